import assert from "node:assert/strict";
import { Agent } from "node:https";
import { test } from "node:test";
import { createSigner } from "./test/front-proxy.ts";
import { allowed, forbidden } from "./test/kubernetes-api.ts";
import { AGGREGATOR, type Asking, ask, ended, HPA, METRIC, proxyCa, SMS, serve, VERSION, valuesOf } from "./test/world.ts";

test("an HPA reads what a channel requires, after the API server said it may", async () => {
  const { port, kubernetes } = await serve();
  const { code, headers, body } = await ask(port, SMS);
  assert.deepEqual([code, headers["content-type"]], [200, "application/json"]);
  assert.deepEqual(body, {
    kind: "ExternalMetricValueList",
    apiVersion: "external.metrics.k8s.io/v1beta1",
    metadata: {},
    items: [
      {
        metricName: "carillon_required_per_second",
        metricLabels: { channel: "sms", release: "carillon" },
        timestamp: "2026-01-05T12:00:00Z",
        value: "950000m",
      },
    ],
  });
  const [configMap, review] = kubernetes.asked;
  assert.equal(configMap?.method, "GET");
  assert.ok(review);
  const { spec } = review.body as { spec: { user: string; groups: string[]; resourceAttributes: object } };
  assert.deepEqual([review.token, spec.user, spec.groups], ["token-1", HPA["X-Remote-User"], ["system:authenticated"]]);
  assert.deepEqual(spec.resourceAttributes, {
    verb: "list",
    group: "external.metrics.k8s.io",
    version: "v1beta1",
    resource: "carillon_required_per_second",
    namespace: "notifications",
  });
});

test("the aggregator finds us by discovery, though nobody can be asked for a review", async () => {
  const { port } = await serve({}, (api) => (api.review = () => forbidden));
  // The second is how it reads the resources: a user without a group.
  for (const headers of [AGGREGATOR, { "X-Remote-User": "system:kube-aggregator" }]) {
    const { code, body } = await ask(port, VERSION, { headers });
    assert.equal(code, 200);
    assert.deepEqual(body, {
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: "external.metrics.k8s.io/v1beta1",
      resources: [
        { name: "carillon_required_per_second", singularName: "", namespaced: true, kind: "ExternalMetricValueList", verbs: ["get"] },
      ],
    });
  }
  assert.equal((await ask(port, "/apis")).body.kind, "APIGroupList");
  assert.equal((await ask(port, "/apis/external.metrics.k8s.io")).body.kind, "APIGroup");
});

const otherCa = await createSigner("front-proxy-ca");
const STRANGERS: readonly [who: string, asking: Asking, message: RegExp][] = [
  ["without a certificate", { as: "nobody" }, /no client certificate/],
  ["with the same name by another authority", { as: await otherCa.issue("front-proxy-client") }, /not the front proxy's/],
  ["with another name by the same authority", { as: await proxyCa.issue("admin") }, /common name/],
  ["with a server's certificate", { as: await proxyCa.issue("front-proxy-client", "server") }, /INVALID_PURPOSE/],
  ["without a user", { headers: { "X-Remote-Group": "system:masters" } }, /no x-remote-user header/],
];
for (const [who, asking, message] of STRANGERS)
  test(`whoever comes ${who} is not authenticated, and nobody is asked about them`, async () => {
    const { port, kubernetes, lines } = await serve();
    // One that keeps connections: it is us who end them, so that the next comes with a certificate that may be new.
    const agent = new Agent({ keepAlive: true });
    ended.defer(() => agent.destroy());
    for (const path of [VERSION, SMS, "/openapi/v3"]) {
      const { code, headers, body } = await ask(port, path, { headers: AGGREGATOR, agent, ...asking });
      assert.deepEqual([code, body.kind, body.reason, body.code], [401, "Status", "Unauthorized", 401], path);
      assert.match(body.message ?? "", message);
      assert.equal(headers.connection, "close");
    }
    assert.ok(!kubernetes.asked.some((asked) => asked.method === "POST"));
    assert.equal(lines.filter((line) => line.includes("was rejected")).length, 1, "the same is told once a minute");
  });

test("a user who may not is told so", async () => {
  const { port } = await serve({}, (api) => (api.review = ({ user }) => allowed(user !== "jane")));
  const { code, body } = await ask(port, SMS, { headers: { "X-Remote-User": "jane" } });
  assert.deepEqual([code, body.reason], [403, "Forbidden"]);
  assert.match(body.message ?? "", /"jane" may not list carillon_required_per_second.external.metrics.k8s.io in namespace notifications/);
  assert.equal((await ask(port, SMS)).code, 200);
});

test("who may read is not guessed where the API server does not say", async () => {
  const { port, kubernetes } = await serve({}, (api) => (api.review = () => forbidden));
  const { code, headers, body } = await ask(port, SMS);
  assert.deepEqual([code, body.reason], [503, "ServiceUnavailable"]);
  assert.match(body.message ?? "", /ClusterRole system:auth-delegator/);
  // With it a client of Kubernetes' own would wait and repeat, and all other HPAs with it.
  assert.equal(headers["retry-after"], undefined);
  kubernetes.review = () => allowed(true);
  assert.equal((await ask(port, SMS)).code, 200);
});

const ANSWERS: readonly [what: string, path: string, asking: Asking, code: number, reason: string, message: RegExp][] = [
  ["another metric", `${VERSION}/namespaces/notifications/lag`, {}, 404, "NotFound", /no external metric lag/],
  ["another namespace", SMS.replace("notifications", "default"), {}, 404, "NotFound", /served in namespace notifications only/],
  ["no path of ours", "/openapi/v3", {}, 404, "NotFound", /nothing at this path/],
  ["a path that cannot be read", `${VERSION}/namespaces/%/x`, {}, 404, "NotFound", /nothing at this path/],
  ["one item of the list", `${METRIC}/x`, {}, 404, "NotFound", /nothing at this path/],
  ["a selector that is none", `${METRIC}?labelSelector=channel%3E1`, {}, 400, "BadRequest", /"channel>1" is not a requirement/],
  ["writing", SMS, { method: "POST" }, 405, "MethodNotAllowed", /POST is not served/],
  ["writing to discovery", VERSION, { method: "DELETE" }, 405, "MethodNotAllowed", /DELETE is not served/],
  ["watching", `${SMS}&watch=true`, {}, 405, "MethodNotAllowed", /watch is not served/],
];
test("what there is not is answered with a Status", async (t) => {
  const { port } = await serve();
  for (const [what, path, asking, code, reason, message] of ANSWERS)
    await t.test(what, async () => {
      const answer = await ask(port, path, asking);
      assert.deepEqual([answer.code, answer.body.kind, answer.body.reason, answer.body.code], [code, "Status", reason, code]);
      assert.match(answer.body.message ?? "", message);
    });
  assert.equal((await ask(port, `${SMS}&watch=false`)).code, 200);
});

test("without a rate there is no value: the HPA keeps the pods there are", async () => {
  const world = await serve();
  world.rate = { kind: "unknown", why: "the queue was not read lately" };
  const { code, body, headers } = await ask(world.port, SMS);
  assert.deepEqual([code, body.reason, headers["retry-after"]], [503, "ServiceUnavailable", undefined]);
  assert.equal(body.message, "what sms requires is not known: the queue was not read lately");
  world.rate = { kind: "known", perSecond: 0, active: true, at: 0 };
  assert.deepEqual(await valuesOf(world.port), ["1m"]);
});

test("a fault of ours is logged, and answered without its text", async () => {
  const world = await serve();
  world.rate = { kind: "known", perSecond: 1, active: true, at: Number.NaN };
  const { code, body } = await ask(world.port, SMS);
  assert.deepEqual([code, body.reason, body.message], [500, "InternalError", "a fault of the autoscaler; its log says more"]);
  assert.ok(world.lines.some((line) => line.includes("Invalid time value")));
});

test("at the end a request under way is answered, and its connection closed", async () => {
  const { port, kubernetes, stop } = await serve();
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  kubernetes.hold = () => {
    asked.resolve();
    return go.promise;
  };
  const agent = new Agent({ keepAlive: true });
  ended.defer(() => agent.destroy());
  const answer = ask(port, SMS, { agent });
  await asked.promise;
  const stopped = stop();
  go.resolve();
  const { code, headers } = await answer;
  assert.deepEqual([code, headers.connection], [200, "close"]);
  await stopped;
  await assert.rejects(ask(port, SMS), { code: "ECONNREFUSED" });
});
