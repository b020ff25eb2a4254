import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANNELS, type Channel, CLASSES } from "../../../core/delivery/channel.ts";
import { consumerName, streamName } from "../../../core/delivery/subjects.ts";
import { replicasMax, SCALING_DEFAULTS } from "../../../core/scaling/scaling.ts";
import { find, type KubernetesObject, namesOf, objectsOf, rejectionOf, variablesOf } from "./render.ts";

const minimal = objectsOf();
const scalingFile = (objects: readonly KubernetesObject[]) => JSON.parse(find(objects, "ConfigMap", "autoscaler").data["channels.json"]!);
const kedaModes = ["keda", "keda-jetstream", "prometheus"] as const;

test("the autoscaler's settings in the chart equal its own defaults", () => {
  const given = scalingFile(minimal);
  for (const channel of CHANNELS) assert.deepEqual({ ...SCALING_DEFAULTS[channel], ...given[channel] }, SCALING_DEFAULTS[channel], channel);
});

test("mode external: an HPA per channel on the required rate of this release's channel, and on CPU", () => {
  for (const channel of CHANNELS) {
    const { spec } = find(minimal, "HorizontalPodAutoscaler", `dispatcher-${channel}`);
    const { minReplicas, maxReplicas, targetRatePerPod } = SCALING_DEFAULTS[channel];
    assert.deepEqual([spec.minReplicas, spec.maxReplicas], [minReplicas, maxReplicas]);
    assert.deepEqual(spec.scaleTargetRef, { apiVersion: "apps/v1", kind: "Deployment", name: `carillon-dispatcher-${channel}` });
    assert.deepEqual(spec.metrics, [
      {
        type: "External",
        external: {
          metric: { name: "carillon_required_per_second", selector: { matchLabels: { release: "carillon", channel } } },
          target: { type: "AverageValue", averageValue: String(targetRatePerPod) },
        },
      },
      {
        type: "ContainerResource",
        containerResource: { name: "cpu", container: "carillon", target: { type: "Utilization", averageUtilization: 80 } },
      },
    ]);
  }
  assert.equal(variablesOf(find(minimal, "Deployment", "autoscaler")).AUTOSCALER_RELEASE, "carillon");
});

test("the metric's selector names the release that the autoscaler serves", () => {
  const objects = objectsOf({ release: "shop" });
  const { spec } = find(objects, "HorizontalPodAutoscaler", "shop-carillon-dispatcher-sms");
  assert.equal(spec.metrics[0].external.metric.selector.matchLabels.release, "shop");
  assert.equal(variablesOf(find(objects, "Deployment", "shop-carillon-autoscaler")).AUTOSCALER_RELEASE, "shop");
});

test("channels scale out fast and in slowly; SMS scales out more slowly", () => {
  const behavior = (channel: Channel) => find(minimal, "HorizontalPodAutoscaler", `dispatcher-${channel}`).spec.behavior;
  assert.deepEqual(behavior("apns").scaleUp, {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [
      { type: "Percent", value: 100, periodSeconds: 15 },
      { type: "Pods", value: 4, periodSeconds: 15 },
    ],
  });
  assert.deepEqual(behavior("sms").scaleUp.policies, [{ type: "Pods", value: 2, periodSeconds: 30 }]);
  const windows = CHANNELS.map((channel) => behavior(channel).scaleDown.stabilizationWindowSeconds);
  assert.deepEqual(Object.fromEntries(CHANNELS.map((c, i) => [c, windows[i]])), {
    apns: 300,
    fcm: 300,
    webpush: 300,
    sms: 600,
    email: 600,
  });
  for (const channel of CHANNELS)
    assert.deepEqual(behavior(channel).scaleDown.policies, [{ type: "Percent", value: 25, periodSeconds: 60 }]);
  const own = objectsOf({
    values: { dispatchers: { sms: { autoscaling: { behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } } } } },
  });
  assert.equal(find(own, "HorizontalPodAutoscaler", "dispatcher-sms").spec.behavior.scaleDown.stabilizationWindowSeconds, 60);
  assert.equal(find(own, "HorizontalPodAutoscaler", "dispatcher-sms").spec.behavior.scaleUp.policies.length, 1);
});

test("the chart sets no replicas of a Deployment that an HPA or KEDA scales", () => {
  const scaled = (objects: readonly KubernetesObject[]) =>
    objects.flatMap(({ kind, spec }) =>
      /^(HorizontalPodAutoscaler|ScaledObject)$/.test(kind) ? [spec.scaleTargetRef.name as string] : [],
    );
  for (const mode of ["off", "external", ...kedaModes]) {
    const objects = objectsOf({ ci: `autoscaling-${mode}` });
    const targets = scaled(objects);
    assert.equal(new Set(targets).size, targets.length, "one each");
    for (const { kind, metadata, spec } of objects.filter((o) => o.kind === "Deployment"))
      assert.equal("replicas" in spec, !targets.includes(metadata.name), `${mode}: ${kind} ${metadata.name}`);
  }
});

test("mode off: fixed replicas, minReplicas by default, and no KEDA objects", () => {
  const objects = objectsOf({ ci: "autoscaling-off", values: { dispatchers: { sms: { replicas: 7 } } } });
  assert.deepEqual(namesOf(objects, "HorizontalPodAutoscaler"), ["carillon-preferences", "carillon-feedback"]);
  assert.equal(find(objects, "Deployment", "gateway").spec.replicas, 3);
  assert.equal(find(objects, "Deployment", "dispatcher-sms").spec.replicas, 7);
  assert.equal(find(objects, "Deployment", "dispatcher-webpush").spec.replicas, 1);
  // YAML reads an unquoted off as false.
  assert.equal(find(objectsOf({ values: { autoscaling: { mode: false } } }), "Deployment", "dispatcher-apns").spec.replicas, 2);
});

test("gateway, preferences and feedback scale by CPU; the relay does not scale", () => {
  for (const name of ["gateway", "preferences", "feedback"]) {
    const { spec } = find(minimal, "HorizontalPodAutoscaler", name);
    assert.equal(spec.minReplicas, 2);
    assert.deepEqual(
      spec.metrics.map((m: { containerResource: { target: object } }) => m.containerResource.target),
      [{ type: "Utilization", averageUtilization: 65 }],
    );
  }
  assert.equal(find(minimal, "Deployment", "relay").spec.replicas, 2);
  assert.equal(find(minimal, "Deployment", "autoscaler").spec.replicas, 2);
});

test("mode keda: the autoscaler pushes to KEDA, which falls back to fixed replicas when it cannot ask, and owns the HPA", () => {
  const objects = objectsOf({ ci: "autoscaling-keda" });
  assert.deepEqual(
    namesOf(objects, "HorizontalPodAutoscaler").filter((name) => name.includes("dispatcher")),
    [],
  );
  const { spec } = find(objects, "ScaledObject", "dispatcher-email");
  assert.deepEqual([spec.minReplicaCount, spec.maxReplicaCount, spec.pollingInterval], [2, 24, 5]);
  assert.deepEqual(spec.fallback, { failureThreshold: 3, replicas: 14, behavior: "currentReplicasIfHigher" });
  assert.deepEqual(spec.triggers, [
    {
      type: "external-push",
      metricType: "AverageValue",
      useCachedMetrics: true,
      metadata: { scalerAddress: "carillon-autoscaler.messaging.svc:7730", channel: "email" },
    },
    { type: "cpu", metricType: "Utilization", metadata: { value: "80", containerName: "carillon" } },
  ]);
  const hpa = find(minimal, "HorizontalPodAutoscaler", "dispatcher-email").spec;
  assert.deepEqual(spec.advanced.horizontalPodAutoscalerConfig.behavior, hpa.behavior);
});

test("an upgrade between the modes external and keda is rejected neither by KEDA's webhook nor by Helm over an HPA's owner", () => {
  const ours = find(minimal, "HorizontalPodAutoscaler", "dispatcher-email").metadata;
  const { name } = find(objectsOf({ ci: "autoscaling-keda" }), "ScaledObject", "dispatcher-email").spec.advanced
    .horizontalPodAutoscalerConfig;
  assert.notEqual(name, ours.name);
  assert.equal(ours.annotations?.["validations.keda.sh/hpa-ownership"], "false");
  assert.equal(find(minimal, "HorizontalPodAutoscaler", "gateway").metadata.annotations, undefined);
});

test("mode keda with TLS: KEDA shows its own certificate and verifies the autoscaler's", () => {
  const values = { autoscaling: { mode: "keda", metricsApi: { enabled: false } } };
  const objects = objectsOf({ ci: "tls", values });
  const { spec } = find(objects, "ScaledObject", "dispatcher-email");
  assert.deepEqual(spec.triggers[0].authenticationRef, { name: "carillon-autoscaler" });
  const { secretTargetRef } = find(objects, "TriggerAuthentication", "autoscaler").spec;
  assert.deepEqual(
    secretTargetRef.map((r: Record<string, string>) => `${r.parameter}=${r.name}/${r.key}`),
    ["caCert=carillon-keda-tls/ca.crt", "tlsClientCert=carillon-keda-tls/tls.crt", "tlsClientKey=carillon-keda-tls/tls.key"],
  );
  assert.equal(find(objects, "Certificate", "keda").spec.secretName, "carillon-keda-tls");
  assert.ok(
    find(objects, "Certificate", "autoscaler").spec.dnsNames.includes(spec.triggers[0].metadata.scalerAddress.replace(":7730", "")),
  );
});

test("mode keda-jetstream: a trigger per consumer, at half of what drains within drainSeconds", () => {
  const objects = objectsOf({ ci: "autoscaling-keda-jetstream" });
  for (const channel of CHANNELS) {
    const triggers = find(objects, "ScaledObject", `dispatcher-${channel}`).spec.triggers.slice(0, -1);
    assert.deepEqual(
      triggers.map((t: { metadata: { consumer: string } }) => t.metadata.consumer).sort(),
      CLASSES.map((c) => consumerName(channel, c)).sort(),
    );
    for (const { metadata } of triggers) {
      assert.equal(metadata.stream, streamName(channel));
      const { targetRatePerPod, drainMs } = SCALING_DEFAULTS[channel];
      assert.equal(metadata.lagThreshold, String((targetRatePerPod * drainMs) / 2_000));
      assert.equal(metadata.account, "ACME");
    }
  }
});

test("mode prometheus: KEDA queries this namespace, and a missing value is not zero", () => {
  const [trigger] = find(objectsOf({ ci: "autoscaling-prometheus" }), "ScaledObject", "dispatcher-sms").spec.triggers;
  assert.equal(trigger.metadata.query, 'max(carillon_required_per_second{channel="sms", namespace="messaging"})');
  assert.equal(trigger.metadata.threshold, String(SCALING_DEFAULTS.sms.targetRatePerPod));
  assert.equal(trigger.metadata.ignoreNullValues, "false");
  assert.deepEqual([trigger.authenticationRef, trigger.metadata.authModes], [{ name: "prometheus" }, "bearer"]);
});

test("a rate limit lowers maxReplicas, as in the autoscaler", () => {
  for (const [perSecond, maxReplicas, expected] of [
    [100, 10, 5],
    [100, null, 5],
    [100, 3, 3],
    [0.5, 10, 2],
    [32, 10, 2],
    [33, 10, 3],
    [100_000, 10, 10],
  ] as const) {
    const objects = objectsOf({
      values: { dispatchers: { sms: { rateLimit: { perSecond }, autoscaling: { maxReplicas, targetRatePerPod: 32 } } } },
    });
    assert.equal(
      find(objects, "HorizontalPodAutoscaler", "dispatcher-sms").spec.maxReplicas,
      expected,
      `${perSecond}/s, at most ${maxReplicas}`,
    );
    const { sms } = scalingFile(objects);
    assert.equal(replicasMax({ ...SCALING_DEFAULTS.sms, ...sms, maxReplicas: maxReplicas ?? 1_000 }), expected);
    assert.equal(sms.rateLimitPerSecond, perSecond);
    assert.equal(variablesOf(find(objects, "Deployment", "dispatcher-sms")).DISPATCH_RATE_MAX, String(perSecond));
  }
  assert.equal(variablesOf(find(minimal, "Deployment", "dispatcher-sms")).DISPATCH_RATE_MAX, undefined);
  const more = objectsOf({ values: { dispatchers: { sms: { rateLimit: { perSecond: 10 }, autoscaling: { minReplicas: 4 } } } } });
  assert.equal(find(more, "HorizontalPodAutoscaler", "dispatcher-sms").spec.maxReplicas, 4, "never below the fewest");
});

test("max_ack_pending is twice maxReplicas × inFlight of the largest channel, the same for every role", () => {
  const pending = (objects: readonly KubernetesObject[]) => {
    const roles = objects.filter(({ kind }) => ["Deployment", "Job"].includes(kind)).map((o) => variablesOf(o).NATS_ACK_PENDING_MAX);
    const distinct = new Set(roles.filter((value) => value !== undefined));
    assert.equal(distinct.size, 1);
    return Number([...distinct][0]);
  };
  assert.equal(pending(minimal), Math.max(...CHANNELS.map((c) => 2 * SCALING_DEFAULTS[c].maxReplicas * SCALING_DEFAULTS[c].inFlight)));
  assert.equal(pending(objectsOf({ values: { dispatchers: { sms: { inFlight: 500 } } } })), 10_000);
  assert.equal(pending(objectsOf({ values: { nats: { ackPendingMax: 50_000 } } })), 50_000);
  assert.match(rejectionOf({ values: { nats: { ackPendingMax: 3_000 } } }), /nats\.ackPendingMax \(3000\) limits dispatchers.* is 3072/);
});

test("zero pods need KEDA, or Kubernetes 1.37", () => {
  const values = { dispatchers: { webpush: { autoscaling: { minReplicas: 0 } } } };
  assert.equal(find(objectsOf({ values, kubeVersion: "1.37" }), "HorizontalPodAutoscaler", "dispatcher-webpush").spec.minReplicas, 0);
  assert.equal(
    find(objectsOf({ ci: "autoscaling-keda", values, kubeVersion: "1.30" }), "ScaledObject", "dispatcher-webpush").spec.minReplicaCount,
    0,
  );
  assert.match(
    rejectionOf({ values, kubeVersion: "1.36" }),
    /dispatchers\.webpush\.autoscaling\.minReplicas=0 needs KEDA .* or Kubernetes 1\.37; this is v1\.36\.0/,
  );
});

test("a tolerance needs Kubernetes 1.37", () => {
  const values = { dispatcherDefaults: { autoscaling: { tolerance: 0.05 } } };
  const { behavior } = find(objectsOf({ values }), "HorizontalPodAutoscaler", "dispatcher-sms").spec;
  assert.deepEqual([behavior.scaleUp.tolerance, behavior.scaleDown.tolerance], ["0.05", "0.05"]);
  assert.match(rejectionOf({ values, kubeVersion: "1.36" }), /tolerance needs Kubernetes 1\.37 or later; this is v1\.36\.0/);
});
