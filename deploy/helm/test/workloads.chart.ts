import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRoles } from "../../../cli/roles.ts";
import { CI, COMPONENTS, faultsOf, find, type KubernetesObject, namesOf, objectsOf, parse, render, variablesOf } from "./render.ts";

const minimal = objectsOf();
const deployments = (objects: readonly KubernetesObject[]) => objects.filter(({ kind }) => kind === "Deployment");
const podOf = (object: KubernetesObject) => object.spec.template?.spec ?? object.spec;
const containerOf = (object: KubernetesObject) => podOf(object).containers[0];
const workloads = minimal.filter(({ kind }) => ["Deployment", "Job", "Pod"].includes(kind));

test("every component is a Deployment of the same image, told apart by one argument", () => {
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

test("a release of another name has it in front of its objects, and says so in its labels", () => {
  const objects = objectsOf({ release: "shop" });
  assert.ok(objects.every(({ metadata }) => metadata.name.startsWith("shop-carillon-")));
  assert.ok(objects.every(({ metadata }) => metadata.labels?.["app.kubernetes.io/instance"] === "shop"));
  assert.deepEqual(
    namesOf(objectsOf({ release: "r".repeat(53) }), "Deployment").filter((name) => name.length > 63),
    [],
  );
});

test("no pod may do what the restricted Pod Security Standard forbids, and none sees a token or others' addresses", () => {
  for (const workload of workloads) {
    const { securityContext, automountServiceAccountToken, enableServiceLinks } = podOf(workload);
    assert.equal(automountServiceAccountToken, false, workload.metadata.name);
    assert.equal(enableServiceLinks, false);
    assert.equal(securityContext.runAsNonRoot, true);
    assert.deepEqual(securityContext.seccompProfile, { type: "RuntimeDefault" });
    assert.deepEqual(containerOf(workload).securityContext, {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    });
  }
});

test("no object stands twice, though components share a service account", () => {
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

test("the heap follows a memory limit, which is there always", () => {
  for (const ci of ["minimal", "production", "restricted", "evaluation"])
    for (const deployment of deployments(objectsOf({ ci }))) {
      assert.ok(containerOf(deployment).resources.limits.memory, `${ci}: ${deployment.metadata.name}`);
      assert.equal(variablesOf(deployment).NODE_OPTIONS, "--max-old-space-size-percentage=70");
    }
  assert.equal(containerOf(find(minimal, "Deployment", "gateway")).resources.limits.cpu, undefined);
});

test("probes ask gRPC health on a plaintext port of its own, and liveness asks for nothing else", () => {
  for (const deployment of deployments(minimal)) {
    const { startupProbe, livenessProbe, readinessProbe, ports } = containerOf(deployment);
    assert.deepEqual(startupProbe.grpc, { port: 8081, service: "liveness" });
    assert.deepEqual(livenessProbe.grpc, { port: 8081, service: "liveness" });
    assert.deepEqual(readinessProbe.grpc, { port: 8081, service: "readiness" });
    assert.equal(variablesOf(deployment).HEALTH_PORT, "8081");
    assert.ok(ports.some((port: { containerPort: number }) => port.containerPort === 8081));
  }
  const slow = find(objectsOf({ values: { gateway: { probes: { liveness: { timeoutSeconds: 9 } } } } }), "Deployment", "gateway");
  assert.deepEqual(containerOf(slow).livenessProbe, {
    ...containerOf(find(minimal, "Deployment", "gateway")).livenessProbe,
    timeoutSeconds: 9,
  });
});

test("whoever serves others goes on for 5 s after it was taken from the endpoints; who pulls does not", () => {
  for (const deployment of deployments(minimal)) {
    const serves = /gateway|preferences|feedback|autoscaler/.test(deployment.metadata.name);
    assert.deepEqual(containerOf(deployment).lifecycle, serves ? { preStop: { sleep: { seconds: 5 } } } : undefined);
  }
});

test("the drain ends 5 s before the pod does", () => {
  for (const [name, grace, drainMs] of [
    ["gateway", 45, "35000"],
    ["relay", 45, "40000"],
    ["dispatcher-apns", 45, "40000"],
    ["dispatcher-email", 75, "70000"],
  ] as const) {
    const deployment = find(minimal, "Deployment", name);
    assert.equal(podOf(deployment).terminationGracePeriodSeconds, grace);
    assert.equal(variablesOf(deployment).DRAIN_MS, drainMs);
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

test("in the evaluation profile no HPA makes more of the small pods, whatever share of their CPU request they use", () => {
  const hpas = objectsOf({ ci: "evaluation" }).filter(({ kind }) => kind === "HorizontalPodAutoscaler");
  assert.equal(hpas.length, 8);
  for (const { metadata, spec } of hpas) assert.deepEqual([spec.minReplicas, spec.maxReplicas], [1, 1], metadata.name);
});

test("whoever wants Recreate gets no rolling update beside it, which the API server would refuse", () => {
  const relay = find(objectsOf({ values: { relay: { strategy: { type: "Recreate" } } } }), "Deployment", "relay");
  assert.deepEqual(relay.spec.strategy, { type: "Recreate" });
});

test("node drains take one pod of each at a time, and never wait for a broken one", () => {
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

test("secrets come as files in a directory that the kubelet renews, never as variables, and never by subPath", () => {
  const objects = objectsOf({ ci: "production" });
  for (const deployment of deployments(objects)) {
    const mounts: { name: string; subPath?: string; mountPath: string }[] = containerOf(deployment).volumeMounts;
    assert.ok(mounts.every(({ subPath }) => subPath === undefined));
    const { env } = containerOf(deployment);
    assert.ok(env.every((e: { valueFrom?: { secretKeyRef?: unknown } }) => !e.valueFrom?.secretKeyRef));
    const volume = podOf(deployment).volumes.find((v: { name: string }) => v.name === "secrets");
    const paths = volume ? volume.projected.sources.map((s: { secret: { items: { path: string }[] } }) => s.secret.items[0]?.path) : [];
    const files = Object.entries(variablesOf(deployment)).filter(([, value]) => value.startsWith("/etc/carillon/secrets/"));
    assert.deepEqual(files.map(([, value]) => value.replace("/etc/carillon/secrets/", "")).sort(), paths.sort(), deployment.metadata.name);
  }
  const sms = find(objects, "Deployment", "dispatcher-sms");
  assert.equal(variablesOf(sms).TWILIO_AUTH_TOKEN_FILE, "/etc/carillon/secrets/twilio-auth-token");
  const { sources } = podOf(sms).volumes.find((v: { name: string }) => v.name === "secrets").projected;
  assert.deepEqual(sources.at(-2).secret, { name: "twilio", items: [{ key: "auth-token", path: "twilio-auth-token" }] });
});

/** What Node reads itself. */
const NODES = ["NODE_OPTIONS", "UV_THREADPOOL_SIZE", "NODE_EXTRA_CA_CERTS"];

test("every variable that is set is one its role knows and takes, and none that it must have is missing", async () => {
  const roles = await loadRoles();
  for (const ci of CI.filter((name) => name !== "evaluation"))
    for (const deployment of deployments(objectsOf({ ci }))) {
      const where = `${ci}: ${deployment.metadata.name}`;
      const { variables } = roles.find(({ name }) => containerOf(deployment).args[0] === name)!;
      const env = variablesOf(deployment);
      assert.deepEqual(
        Object.keys(env).filter((name) => !variables[name] && !NODES.includes(name)),
        [],
        where,
      );
      for (const [name, variable] of Object.entries(variables)) {
        const value = env[name];
        if (value === undefined) assert.notEqual(variable.default, undefined, `${where}: ${name} is missing`);
        // Files are there only in a pod; a variable of extraEnv may come from anywhere.
        else if (
          !value.startsWith("/etc/") &&
          !containerOf(deployment).env.some((e: { name: string; valueFrom?: object }) => e.name === name && e.valueFrom)
        )
          assert.doesNotThrow(() => variable.parse(value), `${where}: ${name}=${value}`);
      }
    }
});

test("settings win over what the chart sets, extraEnv over both, and no name stands twice", () => {
  const values = { relay: { settings: { LOG_LEVEL: "debug", RELAY_POLL_MS: 100 }, extraEnv: [{ name: "LOG_LEVEL", value: "warn" }] } };
  const relay = find(objectsOf({ values }), "Deployment", "relay");
  const names = containerOf(relay).env.map(({ name }: { name: string }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.equal(variablesOf(relay).LOG_LEVEL, "warn");
  assert.equal(variablesOf(relay).RELAY_POLL_MS, "100");
});

test("what a component says wins over what it inherits, false, 0 and empty too", () => {
  const values = {
    defaults: { logLevel: "debug", podLabels: { a: "1", b: "2" }, tolerations: [{ operator: "Exists" }] },
    dispatcherDefaults: { logLevel: "error", inFlight: 7 },
    dispatchers: {
      sms: { logLevel: "warn", podLabels: { b: "3" }, tolerations: [], serviceAccount: { create: false }, preStopSleepSeconds: 0 },
    },
  };
  const objects = objectsOf({ values });
  const sms = find(objects, "Deployment", "dispatcher-sms");
  assert.equal(variablesOf(find(objects, "Deployment", "gateway")).LOG_LEVEL, "debug");
  assert.equal(variablesOf(find(objects, "Deployment", "dispatcher-fcm")).LOG_LEVEL, "error");
  assert.equal(variablesOf(sms).LOG_LEVEL, "warn");
  assert.equal(sms.spec.template.metadata.labels.a, "1");
  assert.equal(sms.spec.template.metadata.labels.b, "3");
  assert.equal(podOf(sms).tolerations, undefined);
  assert.equal(podOf(sms).serviceAccountName, "default");
  assert.deepEqual(podOf(find(objects, "Deployment", "relay")).tolerations, [{ operator: "Exists" }]);
});

test("everything an installation adds arrives in the pods", () => {
  const objects = objectsOf({ ci: "production" });
  const pod = podOf(find(objects, "Deployment", "dispatcher-fcm"));
  assert.deepEqual(pod.imagePullSecrets, [{ name: "registry" }]);
  assert.equal(pod.priorityClassName, "high");
  assert.deepEqual(pod.nodeSelector, { "kubernetes.io/os": "linux" });
  assert.equal(pod.tolerations.length, 1);
  const [container] = pod.containers;
  assert.equal(container.image, `registry.example.com:5000/messaging/carillon@sha256:${"0123456789abcdef".repeat(4)}`);
  assert.deepEqual(container.envFrom, [{ configMapRef: { name: "shared", optional: true } }]);
  assert.deepEqual(container.volumeMounts.at(-1), { name: "ca", mountPath: "/etc/company-ca", readOnly: true });
  assert.deepEqual(container.env.at(-1), { name: "DISPATCH_IN_FLIGHT", valueFrom: { configMapKeyRef: { name: "tuning", key: "fcm" } } });
  const { labels, annotations } = find(objects, "Deployment", "gateway").metadata;
  assert.equal(labels?.team, "messaging");
  assert.equal(annotations?.["example.com/owner"], "messaging");
  assert.deepEqual(find(objects, "ConfigMap", "extra").data, { release: "carillon" });
  assert.equal(find(objects, "ConfigMap", "text").kind, "ConfigMap");
});

test("a change of what the autoscaler computes with restarts the autoscaler alone", () => {
  const templates = (objects: KubernetesObject[]) =>
    Object.fromEntries(deployments(objects).map(({ metadata, spec }) => [metadata.name, JSON.stringify(spec.template)]));
  const after = templates(objectsOf({ values: { dispatchers: { sms: { autoscaling: { drainSeconds: 61 } } } } }));
  const changed = Object.entries(templates(minimal)).filter(([name, template]) => after[name] !== template);
  assert.deepEqual(
    changed.map(([name]) => name),
    ["carillon-autoscaler"],
  );
});

test("streams are made by a Job of each revision, which cannot collide with an older one", () => {
  const job = minimal.find(({ kind }) => kind === "Job")!;
  assert.match(job.metadata.name, /^carillon-provision-1-[0-9a-f]{6}$/);
  assert.deepEqual(containerOf(job).args, ["provision"]);
  assert.equal(job.metadata.annotations, undefined, "no hook: it would run before what it needs");
  assert.equal(job.spec.ttlSecondsAfterFinished, 3600);
  const other = objectsOf({ values: { nats: { ackWaitMs: 30_000 } } }).find(({ kind }) => kind === "Job")!;
  assert.notEqual(other.metadata.name, job.metadata.name);
  assert.deepEqual(namesOf(objectsOf({ values: { provisioning: { mode: "none" } } }), "Job"), []);
});

test("NACK gets the streams and consumers the roles would make", () => {
  const objects = objectsOf({ ci: "nack" });
  assert.equal(namesOf(objects, "Stream").length, 5);
  assert.equal(namesOf(objects, "Consumer").length, 15);
  assert.deepEqual(namesOf(objects, "Job"), []);
  const { spec } = find(objects, "Stream", "bells-sms");
  assert.equal(spec.retention, "workqueue");
  assert.equal(spec.maxBytes, 4_294_967_296);
  assert.equal(spec.preventDelete, true);
  assert.deepEqual(find(objects, "Consumer", "bells-sms-critical").spec.filterSubject, "carillon.sms.critical");
});

test("helm test asks the gateway through its Service, without a shell", () => {
  const pod = find(minimal, "Pod", "test-gateway");
  assert.equal(pod.metadata.annotations?.["helm.sh/hook"], "test");
  const [{ command, env, args }] = pod.spec.containers;
  assert.equal(command[0], "node");
  assert.match(args[0], /grpc-health-check/);
  assert.deepEqual(env[0], { name: "ADDRESS", value: "carillon-gateway:7700" });
});

test("with everything off nothing is left", () => {
  assert.deepEqual(parse([(render({ ci: "everything-off" }) as { text: string }).text])[0], []);
});

test("the schemas would notice a field that Kubernetes does not have, and a kind nobody knows", () => {
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

test("labels and annotations for every object are on every object", () => {
  for (const ci of ["tls", "nack", "evaluation", "autoscaling-keda"])
    for (const { kind, metadata } of objectsOf({ ci, values: { commonLabels: { team: "a" }, commonAnnotations: { owner: "b" } } }))
      assert.deepEqual([metadata.labels?.team, metadata.annotations?.owner], ["a", "b"], `${ci}: ${kind} ${metadata.name}`);
});
