import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRoles } from "../../../cli/roles.ts";
import { POD_MEMORY_BYTES, POD_NODE_OPTIONS } from "../../../test/support/pod-memory.ts";
import { CI, containerOf, deployments, find, objectsOf, podOf, variablesOf } from "./render.ts";

const MIB = 1024 * 1024;
const minimal = objectsOf();
const workloads = minimal.filter(({ kind }) => ["Deployment", "Job", "Pod"].includes(kind));

test("every pod meets the restricted Pod Security Standard, without a token and without Service variables", () => {
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

test("the heap is sized by a memory limit, which every pod has", () => {
  for (const ci of ["minimal", "production", "restricted", "evaluation"])
    for (const deployment of deployments(objectsOf({ ci }))) {
      assert.ok(containerOf(deployment).resources.limits.memory, `${ci}: ${deployment.metadata.name}`);
      assert.equal(variablesOf(deployment).NODE_OPTIONS, "--max-old-space-size-percentage=70 --max-semi-space-size=16");
    }
  const gateway = find(minimal, "Deployment", "gateway");
  const { limits } = containerOf(gateway).resources;
  assert.equal(limits.cpu, undefined);
  // Attacks and benches run processes without a container, with the same memory.
  assert.equal(limits.memory, `${POD_MEMORY_BYTES / MIB}Mi`);
  const heapMiB = (percent: string) => `--max-old-space-size=${Math.floor((Number(percent) / 100) * (POD_MEMORY_BYTES / MIB))}`;
  const options = variablesOf(gateway).NODE_OPTIONS!.replace(/--max-old-space-size-percentage=(\d+)/, (_, percent: string) =>
    heapMiB(percent),
  );
  assert.equal(options, POD_NODE_OPTIONS);
});

test("probes call gRPC health on its own plaintext port, and liveness depends on nothing else", () => {
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

test("a server keeps serving for 5 s after its removal from the endpoints; a consumer of tasks stops at once", () => {
  for (const deployment of deployments(minimal)) {
    const serves = /gateway|preferences|feedback|autoscaler/.test(deployment.metadata.name);
    assert.deepEqual(containerOf(deployment).lifecycle, serves ? { preStop: { sleep: { seconds: 5 } } } : undefined);
  }
});

test("the drain ends 5 s before the grace period", () => {
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

test("secrets are files in a directory that the kubelet renews, never variables, and never mounted by subPath", () => {
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

/** Variables of Node itself. */
const NODES = ["NODE_OPTIONS", "UV_THREADPOOL_SIZE", "NODE_EXTRA_CA_CERTS"];

test("every variable set is one that its role accepts, and no required one is missing", async () => {
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
        // Files exist only in a pod, and extraEnv may set any variable.
        else if (
          !value.startsWith("/etc/") &&
          !containerOf(deployment).env.some((e: { name: string; valueFrom?: object }) => e.name === name && e.valueFrom)
        )
          assert.doesNotThrow(() => variable.parse(value), `${where}: ${name}=${value}`);
      }
    }
});

test("settings override what the chart sets, extraEnv overrides both, and no name occurs twice", () => {
  const values = { relay: { settings: { LOG_LEVEL: "debug", RELAY_POLL_MS: 100 }, extraEnv: [{ name: "LOG_LEVEL", value: "warn" }] } };
  const relay = find(objectsOf({ values }), "Deployment", "relay");
  const names = containerOf(relay).env.map(({ name }: { name: string }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.equal(variablesOf(relay).LOG_LEVEL, "warn");
  assert.equal(variablesOf(relay).RELAY_POLL_MS, "100");
});

test("a component's own values override inherited ones, also false, 0 and empty ones", () => {
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

test("everything an installation adds reaches the pods", () => {
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
