// A release's life: install, test, an upgrade while an HPA is at work, evictions, a drained node, rollback, uninstall.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CHART } from "../../scripts/chart/helm.ts";
import { ApiFault, type KubeObject } from "./api.ts";
import type { Cluster } from "./cluster.ts";
import { type MetricStub, startMetricStub } from "./metric-stub.ts";
import { isReady, type Pod } from "./pod.ts";
import { restrictedNamespace } from "./server-side.ts";

const NAMESPACE = "release";
const RELEASE = "carillon";
const HELM_MS = 180_000;
const WITHIN_MS = 60_000;
const CHANNEL = "webpush";
const DISPATCHER = `${RELEASE}-dispatcher-${CHANNEL}`;
const RATE_PER_POD = 80;
const EVICTION = { apiVersion: "policy/v1", kind: "Eviction" };

interface Deployment extends KubeObject {
  spec: { replicas: number; template: { metadata: { annotations?: Record<string, string> } } };
  status: { readyReplicas?: number; replicas?: number; updatedReplicas?: number };
}

/** Every component enabled, without external dependencies. */
const VALUES = {
  mongodb: { url: "mongodb://mongodb.example.com/carillon" },
  nats: { url: "nats://nats.example.com:4222" },
  redis: { url: "redis://redis.example.com:6379" },
  internalToken: { existingSecret: "internal-token" },
  gateway: { replicas: 3, autoscaling: { enabled: false } },
  feedback: { publicUrl: "https://hooks.example.com" },
  dispatchers: {
    apns: { existingSecret: "apns", keyId: "ABCDE12345", teamId: "ABCDE12345", topic: "com.example.app" },
    fcm: { existingSecret: "fcm" },
    sms: { providers: ["twilio"], twilio: { existingSecret: "twilio", accountSid: `AC${"0".repeat(32)}`, from: "+15005550006" } },
    email: { providers: ["sendgrid"], from: "news@example.com", sendgrid: { existingSecret: "sendgrid" } },
    webpush: {
      ...{ existingSecret: "webpush", vapidSubject: "mailto:ops@example.com" },
      vapidPublicKey: "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
      // There is no metrics-server, and an unreadable metric keeps the HPA from scaling down.
      autoscaling: { targetCpuPercent: null, targetRatePerPod: RATE_PER_POD, minReplicas: 1, maxReplicas: 9 },
    },
  },
  autoscaling: { mode: "external" },
};

export function release(cluster: () => Cluster, say: (line: string) => void): void {
  describe("release: install, test, upgrade, evict, drain, roll back, uninstall", () => {
    const stack = new AsyncDisposableStack();
    let metric: MetricStub;
    let values: string;

    before(async () => {
      await restrictedNamespace(cluster(), NAMESPACE);
      metric = stack.use(await startMetricStub(cluster()));
      metric.value = 1;
      values = join(dirname(cluster().kubeconfig), "release-values.json");
      writeFileSync(values, JSON.stringify(VALUES));
    });
    after(async () => {
      await cluster().tryHelm(["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found"]);
      await stack.disposeAsync();
    });

    const helm = (...args: string[]) =>
      cluster().helm([...args, "-n", NAMESPACE, "--timeout", `${HELM_MS / 1_000}s`], { withinMs: HELM_MS + 10_000 });
    const deployment = async (name: string) =>
      (await cluster().api.get<Deployment>(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${name}`)) ??
      assert.fail(`no deployment ${name}`);
    const deployments = () => cluster().api.list<Deployment>(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments`);
    const isFull = async () => (await deployments()).every((d) => d.status.readyReplicas === d.spec.replicas);
    const pods = async (component: string) =>
      (await cluster().api.list<Pod>(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app.kubernetes.io/component=${component}`)).filter(
        (p) => p.metadata.deletionTimestamp === undefined,
      );

    it("installs, and waits until every pod is ready, in a restricted namespace", async () => {
      await helm("install", RELEASE, CHART, "-f", values, "--wait");
      assert.equal((await deployments()).length, 10);
      // The HPAs raise components that started with one pod to their minimum.
      await eventually("every deployment is full", isFull);
    });

    it("passes helm test", async () => {
      assert.match(await helm("test", RELEASE), /Phase:\s+Succeeded/);
    });

    it("spreads pods evenly over three zones and their nodes", async () => {
      const nodes = (await pods("gateway")).map((p) => p.spec.nodeName).sort();
      assert.deepEqual(nodes, ["node-a", "node-b", "node-c"]);
    });

    it("lets the HPA scale a channel by its metric", async () => {
      metric.value = 6 * RATE_PER_POD;
      await eventually("six pods", async () => (await deployment(DISPATCHER)).status.readyReplicas === 6);
      const byNode = Object.values(Object.groupBy(await pods(`dispatcher-${CHANNEL}`), (p) => p.spec.nodeName ?? ""));
      assert.deepEqual(
        byNode.map((p) => p?.length),
        [2, 2, 2],
      );
    });

    it("upgrades while the HPA is at work: no conflict, and no pod fewer at any moment", async () => {
      const counts = new Set<number>();
      const watching = new AbortController();
      const watch = (async () => {
        while (!watching.signal.aborted) {
          counts.add((await deployment(DISPATCHER)).spec.replicas);
          await delay(50);
        }
      })();
      await helm("upgrade", RELEASE, CHART, "-f", values, "--set", "defaults.podAnnotations.rolled=yes", "--wait");
      watching.abort();
      await watch;
      assert.deepEqual([...counts], [6]);
      const { spec, status } = await deployment(DISPATCHER);
      assert.equal(spec.template.metadata.annotations?.rolled, "yes");
      assert.equal(status.updatedReplicas, 6);
    });

    it("lets one pod of a component be evicted, and no other before it is replaced", async () => {
      const evict = ({ metadata: { name } }: Pod) =>
        cluster().api.post(`/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`, {
          ...EVICTION,
          metadata: { name, namespace: NAMESPACE },
        });
      const [first, second] = await pods("gateway");
      // No node is available, so the replacement cannot become ready at once.
      await cluster().kubectl(["cordon", "--selector=kubernetes.io/os=linux"]);
      try {
        await evict(first!);
        await eventually("two gateways", async () => (await pods("gateway")).filter(isReady).length === 2);
        await assert.rejects(evict(second!), (error) => error instanceof ApiFault && error.status === 429);
      } finally {
        await cluster().kubectl(["uncordon", "--selector=kubernetes.io/os=linux"]);
      }
      await eventually("three gateways again", async () => (await pods("gateway")).filter(isReady).length === 3);
    });

    it("lets a node be drained, and runs in full on the others", async () => {
      const { kubectl } = cluster();
      const drain = ["drain", "node-a", "--ignore-daemonsets", "--delete-emptydir-data", `--timeout=${WITHIN_MS / 1_000}s`];
      await kubectl(drain, { withinMs: WITHIN_MS + 5_000 });
      try {
        await eventually("every deployment is full", async () =>
          (await deployments()).every((d) => d.status.readyReplicas === d.spec.replicas),
        );
        const there = await cluster().api.list<Pod>(`/api/v1/namespaces/${NAMESPACE}/pods?fieldSelector=spec.nodeName=node-a`);
        assert.deepEqual(
          there.filter((p) => p.status?.phase === "Running").map((p) => p.metadata.name),
          [],
        );
      } finally {
        await kubectl(["uncordon", "node-a"]);
      }
    });

    it("rolls back, and the HPA's count stays", async () => {
      await helm("rollback", RELEASE, "1", "--wait");
      const { spec } = await deployment(DISPATCHER);
      assert.equal(spec.replicas, 6);
      assert.equal(spec.template.metadata.annotations?.rolled, undefined);
    });

    it("upgrades under --rollback-on-failure too, and takes over what was scaled by hand", async () => {
      await cluster().kubectl(["-n", NAMESPACE, "scale", "deployment", `${RELEASE}-relay`, "--replicas=4"]);
      await helm("upgrade", RELEASE, CHART, "-f", values, "--rollback-on-failure", "--wait", "--force-conflicts");
      assert.equal((await deployment(`${RELEASE}-relay`)).spec.replicas, 2);
    });

    it("leaves nothing behind when it is uninstalled", async () => {
      await helm("uninstall", RELEASE, "--wait");
      await eventually("no pod", async () => (await cluster().api.list(`/api/v1/namespaces/${NAMESPACE}/pods`)).length === 0);
      const kinds = async (namespaced: boolean) => {
        const names = await cluster().kubectl(["api-resources", "--verbs=list", `--namespaced=${namespaced}`, "-o", "name"]);
        return names
          .split("\n")
          .filter((n) => n !== "" && !/^(events|componentstatuses)|metrics\.k8s\.io/.test(n))
          .join(",");
      };
      const left = async (...args: string[]) =>
        (await cluster().kubectl(["get", ...args, "-o", "name", "--ignore-not-found"])).split("\n").filter((n) => n !== "");
      const everyNamespace = [`${await kinds(true)},${await kinds(false)}`, "-A", "-l", `app.kubernetes.io/instance=${RELEASE}`];
      assert.deepEqual(await left(...everyNamespace), []);
      const own = ["configmap/kube-root-ca.crt", "serviceaccount/default"];
      assert.deepEqual((await left(await kinds(true), "-n", NAMESPACE)).sort(), own);
      say("uninstalled; nothing is left");
    });
  });
}

const POLL_MS = 100;

/** Resolves when the condition holds; rejects with its name if it never does. */
async function eventually(name: string, condition: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + WITHIN_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${WITHIN_MS / 1_000} s: ${name}`);
    await delay(POLL_MS);
  }
}
