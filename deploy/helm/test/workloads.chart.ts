import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CI,
  COMPONENTS,
  containerOf,
  deployments,
  faultsOf,
  find,
  type KubernetesObject,
  namesOf,
  objectsOf,
  parseObjects,
  podOf,
  render,
  variablesOf,
} from "./render.ts";

const minimal = objectsOf();

test("every component is a Deployment of the same image, with the role as its argument", () => {
  assert.deepEqual(
    namesOf(minimal, "Deployment"),
    COMPONENTS.map((name) => `carillon-${name}`),
  );
  for (const deployment of deployments(minimal)) {
    const { name, image, args, command } = containerOf(deployment);
    const component = deployment.metadata.name.replace("carillon-", "");
    assert.deepEqual({ name, image, args, command }, { name: "carillon", image: "carillon:0.1.0", args: [component], command: undefined });
    const labels = deployment.spec.template.metadata.labels;
    assert.equal(labels["app.kubernetes.io/component"], component);
    assert.equal(labels["carillon.dev/channel"], /^dispatcher-(.*)$/.exec(component)?.[1]);
  }
});

test("objects of a release of another name start with that name, and carry it in their labels", () => {
  const objects = objectsOf({ release: "shop" });
  assert.ok(objects.every(({ metadata }) => metadata.name.startsWith("shop-carillon-")));
  assert.ok(objects.every(({ metadata }) => metadata.labels?.["app.kubernetes.io/instance"] === "shop"));
  assert.deepEqual(
    namesOf(objectsOf({ release: "r".repeat(53) }), "Deployment").filter((name) => name.length > 63),
    [],
  );
});

test("no object is rendered twice, though components share a service account", () => {
  for (const ci of CI) {
    const objects = objectsOf({ ci, values: { defaults: { serviceAccount: { name: "shared" } } } });
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`);
    assert.deepEqual(
      names.filter((name, i) => names.indexOf(name) !== i),
      [],
      ci,
    );
  }
});

test("a rollout starts new pods before it stops old ones, and spreads them over zones and nodes", () => {
  for (const deployment of deployments(minimal)) {
    assert.deepEqual(deployment.spec.strategy.rollingUpdate, { maxSurge: "25%", maxUnavailable: 0 });
    const spread = podOf(deployment).topologySpreadConstraints;
    assert.deepEqual(
      spread.map((s: Record<string, unknown>) => [s.topologyKey, s.whenUnsatisfiable, s.matchLabelKeys]),
      [
        ["topology.kubernetes.io/zone", "ScheduleAnyway", ["pod-template-hash"]],
        ["kubernetes.io/hostname", "ScheduleAnyway", ["pod-template-hash"]],
      ],
    );
    assert.deepEqual(spread[0].labelSelector.matchLabels, deployment.spec.selector.matchLabels);
  }
  const none = find(objectsOf({ values: { relay: { topologySpreadConstraints: [] } } }), "Deployment", "relay");
  assert.equal(podOf(none).topologySpreadConstraints, undefined);
});

test("opt-outs stay readable during a rollout: every caller has resolved the name again before the next pod goes", () => {
  const { spec } = find(minimal, "Deployment", "preferences");
  assert.ok(spec.minReadySeconds >= 10, `${spec.minReadySeconds} s: callers resolve every 2 s, and cluster DNS keeps answers for 5 s`);
  assert.equal(spec.strategy.rollingUpdate.maxUnavailable, 0);
  assert.equal(find(minimal, "Service", "preferences").spec.clusterIP, "None", "so that callers know each pod");
  for (const caller of ["gateway", "dispatcher-sms"])
    assert.match(variablesOf(find(minimal, "Deployment", caller)).PREFERENCES_ADDRESS ?? "", /^dns:\/\/\//);
});

test("the evaluation profile has no HPA that adds small pods for their CPU use", () => {
  const hpas = objectsOf({ ci: "evaluation" }).filter(({ kind }) => kind === "HorizontalPodAutoscaler");
  assert.equal(hpas.length, 8);
  for (const { metadata, spec } of hpas) assert.deepEqual([spec.minReplicas, spec.maxReplicas], [1, 1], metadata.name);
});

test("Recreate comes without rollingUpdate, which the API server would reject", () => {
  const relay = find(objectsOf({ values: { relay: { strategy: { type: "Recreate" } } } }), "Deployment", "relay");
  assert.deepEqual(relay.spec.strategy, { type: "Recreate" });
});

test("node drains evict one pod of each component at a time, and do not wait for an unhealthy one", () => {
  for (const name of COMPONENTS) {
    const { spec } = find(minimal, "PodDisruptionBudget", name);
    assert.equal(spec.maxUnavailable, 1);
    assert.equal(spec.minAvailable, undefined);
    assert.equal(spec.unhealthyPodEvictionPolicy, "AlwaysAllow");
    assert.deepEqual(spec.selector.matchLabels, find(minimal, "Deployment", name).spec.selector.matchLabels);
  }
  assert.deepEqual(
    namesOf(objectsOf({ values: { relay: { podDisruptionBudget: { enabled: false } } } }), "PodDisruptionBudget").includes(
      "carillon-relay",
    ),
    false,
  );
});

test("a change of the autoscaler's settings restarts the autoscaler alone", () => {
  const templates = (objects: KubernetesObject[]) =>
    Object.fromEntries(deployments(objects).map(({ metadata, spec }) => [metadata.name, JSON.stringify(spec.template)]));
  const after = templates(objectsOf({ values: { dispatchers: { sms: { autoscaling: { drainSeconds: 61 } } } } }));
  const changed = Object.entries(templates(minimal)).filter(([name, template]) => after[name] !== template);
  assert.deepEqual(
    changed.map(([name]) => name),
    ["carillon-autoscaler"],
  );
});

test("each revision has a Job that creates streams, with a name of its own", () => {
  const job = minimal.find(({ kind }) => kind === "Job")!;
  assert.match(job.metadata.name, /^carillon-provision-1-[0-9a-f]{6}$/);
  assert.deepEqual(containerOf(job).args, ["provision"]);
  assert.equal(job.metadata.annotations, undefined, "no hook: it would run before what it needs");
  assert.equal(job.spec.ttlSecondsAfterFinished, 3600);
  const other = objectsOf({ values: { nats: { ackWaitMs: 90_000 } } }).find(({ kind }) => kind === "Job")!;
  assert.notEqual(other.metadata.name, job.metadata.name);
  assert.deepEqual(namesOf(objectsOf({ values: { provisioning: { mode: "none" } } }), "Job"), []);
});

test("NACK gets the same streams and consumers that the roles would create", () => {
  const objects = objectsOf({ ci: "nack" });
  assert.equal(namesOf(objects, "Stream").length, 5);
  assert.equal(namesOf(objects, "Consumer").length, 15);
  assert.deepEqual(namesOf(objects, "Job"), []);
  const { spec } = find(objects, "Stream", "bells-sms");
  assert.equal(spec.retention, "workqueue");
  assert.equal(spec.maxBytes, 4_294_967_296);
  assert.equal(spec.preventDelete, true);
  assert.deepEqual(find(objects, "Consumer", "bells-sms-critical").spec.filterSubjects, [
    "carillon.sms.critical",
    "carillon.sms.critical.*",
  ]);
});

test("helm test calls the gateway through its Service, without a shell", () => {
  const pod = find(minimal, "Pod", "test-gateway");
  assert.equal(pod.metadata.annotations?.["helm.sh/hook"], "test");
  const [{ command, env, args }] = pod.spec.containers;
  assert.equal(command[0], "node");
  assert.match(args[0], /grpc-health-check/);
  assert.deepEqual(env[0], { name: "ADDRESS", value: "carillon-gateway:7700" });
});

test("with everything off nothing is rendered", () => {
  assert.deepEqual(parseObjects((render({ ci: "everything-off" }) as { text: string }).text), []);
});

test("the schemas notice an unknown field and an unknown kind", () => {
  const deployment = structuredClone(find(minimal, "Deployment", "relay"));
  deployment.spec.template.spec.containers[0].bogus = 1;
  const scaled = structuredClone(find(objectsOf({ ci: "autoscaling-keda" }), "ScaledObject", "dispatcher-sms"));
  scaled.spec.maxReplicas = 3;
  const faults = faultsOf([
    ["1.30", deployment],
    ["1.37", scaled],
    ["1.37", { apiVersion: "example.com/v1", kind: "Bell" }],
    ["1.37", find(minimal, "Deployment", "relay")],
  ]);
  assert.deepEqual(
    faults.map(([index]) => index),
    [0, 1, 2],
  );
  assert.match(faults[0]![1], /containers\/0: .*bogus/);
});

test("commonLabels and commonAnnotations are on every object", () => {
  for (const ci of ["tls", "nack", "evaluation", "autoscaling-keda"])
    for (const { kind, metadata } of objectsOf({ ci, values: { commonLabels: { team: "a" }, commonAnnotations: { owner: "b" } } }))
      assert.deepEqual([metadata.labels?.team, metadata.annotations?.owner], ["a", "b"], `${ci}: ${kind} ${metadata.name}`);
});

test("the gateway is told which channels have a dispatcher", () => {
  const gatewayOf = (objects: KubernetesObject[]) => variablesOf(find(objects, "Deployment", "gateway"));
  assert.equal(gatewayOf(minimal).CHANNELS_SERVED, "apns,fcm,webpush,sms,email");
  const without = objectsOf({ values: { dispatchers: { sms: { enabled: false }, fcm: { enabled: false } } } });
  assert.equal(gatewayOf(without).CHANNELS_SERVED, "apns,webpush,email");
});
