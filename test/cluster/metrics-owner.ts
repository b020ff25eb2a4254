// A cluster has one provider of external metrics; the chart never replaces another one.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CHART } from "../../scripts/chart/helm.ts";
import type { Cluster } from "./cluster.ts";
import { type MetricStub, startMetricStub } from "./metric-stub.ts";

const NAMESPACE = "metrics-owner";
const ARGS = ["install", "carillon", CHART, "-n", NAMESPACE, "--dry-run=server", "--hide-notes"];
const VALUES = [
  ...["mongodb.url=mongodb://m/carillon", "nats.url=nats://n:4222", "redis.url=redis://r:6379", "internalToken.existingSecret=t"],
  ...["feedback.enabled=false", ...["apns", "fcm", "webpush", "sms", "email"].map((c) => `dispatchers.${c}.enabled=false`)],
  "autoscaling.metricsApi.enabled=true",
].flatMap((value) => ["--set", value]);

export function metricsOwner(cluster: () => Cluster): void {
  describe("metrics owner: the chart registers the APIService only if no other owner has it", () => {
    let other: MetricStub;
    before(async () => {
      await cluster().kubectl(["create", "namespace", NAMESPACE]);
      other = await startMetricStub(cluster());
    });
    after(() => cluster().kubectl(["delete", "namespace", NAMESPACE, "--wait=false"]));

    it("fails to render if another provider owns it, with an error that names the owner and the fix", async () => {
      const { code, stderr } = await cluster().tryHelm([...ARGS, ...VALUES]);
      assert.notEqual(code, 0);
      assert.match(stderr, /v1beta1\.external\.metrics\.k8s\.io belongs to other-metrics\/keda-operator-metrics-apiserver/);
      assert.match(stderr, /autoscaling\.mode=keda/);
    });

    it("renders if there is no owner", async () => {
      await other[Symbol.asyncDispose]();
      await cluster().kubectl(["wait", "--for=delete", "apiservice/v1beta1.external.metrics.k8s.io", "--timeout=30s"]);
      assert.match(await cluster().helm([...ARGS, ...VALUES]), /kind: APIService/);
    });
  });
}
