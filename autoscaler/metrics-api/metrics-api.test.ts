import assert from "node:assert/strict";
import { Agent } from "node:https";
import { test } from "node:test";
import { createSigner } from "./test/front-proxy.ts";
import { allowed, forbidden } from "./test/kubernetes-api.ts";
import { AGGREGATOR, type Asking, ask, ended, HPA, METRIC, proxyCa, SMS, serve, VERSION, valuesOf } from "./test/world.ts";

test("an HPA reads the required rate of a channel after a review by the API server", async () => {
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

test("discovery works without a review", async () => {
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
  ["without a certificate", { as: "no-certificate" }, /no client certificate/],
  ["with the same name by another authority", { as: await otherCa.issue("front-proxy-client") }, /not the front proxy's/],
  ["with another name by the same authority", { as: await proxyCa.issue("admin") }, /common name/],
  ["with a server's certificate", { as: await proxyCa.issue("front-proxy-client", "server") }, /INVALID_PURPOSE/],
  ["without a user", { headers: { "X-Remote-Group": "system:masters" } }, /no x-remote-user header/],
];
for (const [who, asking, message] of STRANGERS)
  test(`a client ${who} is not authenticated, and causes no review`, async () => {
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
    assert.equal(lines.filter((line) => line.includes("request rejected")).length, 1, "the same rejection is logged once a minute");
  });

test("a user without the right gets 403 and the reason", async () => {
  const { port } = await serve({}, (api) => (api.review = ({ user }) => allowed(user !== "jane")));
  const { code, body } = await ask(port, SMS, { headers: { "X-Remote-User": "jane" } });
  assert.deepEqual([code, body.reason], [403, "Forbidden"]);
  assert.match(body.message ?? "", /"jane" may not list carillon_required_per_second.external.metrics.k8s.io in namespace notifications/);
  assert.equal((await ask(port, SMS)).code, 200);
});

test("without an answer to the review the request fails with 503", async () => {
  const { port, kubernetes } = await serve({}, (api) => (api.review = () => forbidden));
  const { code, headers, body } = await ask(port, SMS);
  assert.deepEqual([code, body.reason], [503, "ServiceUnavailable"]);
  assert.match(body.message ?? "", /ClusterRole system:auth-delegator/);
  // With it the HPA controller would wait and repeat, and delay all other HPAs.
  assert.equal(headers["retry-after"], undefined);
  kubernetes.review = () => allowed(true);
  assert.equal((await ask(port, SMS)).code, 200);
});

const ANSWERS: readonly [what: string, path: string, asking: Asking, code: number, reason: string, message: RegExp][] = [
  ["another metric", `${VERSION}/namespaces/notifications/lag`, {}, 404, "NotFound", /no external metric lag/],
  ["another namespace", SMS.replace("notifications", "default"), {}, 404, "NotFound", /served in namespace notifications only/],
  ["another path", "/openapi/v3", {}, 404, "NotFound", /nothing is served at this path/],
  ["a path that cannot be read", `${VERSION}/namespaces/%/x`, {}, 404, "NotFound", /nothing is served at this path/],
  ["one item of the list", `${METRIC}/x`, {}, 404, "NotFound", /nothing is served at this path/],
  ["an invalid selector", `${METRIC}?labelSelector=channel%3E1`, {}, 400, "BadRequest", /"channel>1" is not a requirement/],
  ["writing", SMS, { method: "POST" }, 405, "MethodNotAllowed", /POST is not supported/],
  ["writing to discovery", VERSION, { method: "DELETE" }, 405, "MethodNotAllowed", /DELETE is not supported/],
  ["watching", `${SMS}&watch=true`, {}, 405, "MethodNotAllowed", /watch is not supported/],
];
test("everything else is answered with a Status", async (t) => {
  const { port } = await serve();
  for (const [what, path, asking, code, reason, message] of ANSWERS)
    await t.test(what, async () => {
      const answer = await ask(port, path, asking);
      assert.deepEqual([answer.code, answer.body.kind, answer.body.reason, answer.body.code], [code, "Status", reason, code]);
      assert.match(answer.body.message ?? "", message);
    });
  assert.equal((await ask(port, `${SMS}&watch=false`)).code, 200);
});

test("an unknown rate is answered 503, so that the HPA keeps its pods", async () => {
  const world = await serve();
  world.rate = { kind: "unknown", why: "the queue has not been read recently" };
  const { code, body, headers } = await ask(world.port, SMS);
  assert.deepEqual([code, body.reason, headers["retry-after"]], [503, "ServiceUnavailable", undefined]);
  assert.equal(body.message, "the required rate of sms is not known: the queue has not been read recently");
  world.rate = { kind: "known", perSecond: 0, active: true, at: 0 };
  assert.deepEqual(await valuesOf(world.port), ["1m"]);
});

test("an unexpected error is logged, and answered without its text", async () => {
  const world = await serve();
  world.rate = { kind: "known", perSecond: 1, active: true, at: Number.NaN };
  const { code, body } = await ask(world.port, SMS);
  assert.deepEqual([code, body.reason, body.message], [500, "InternalError", "internal error of the autoscaler, see its log"]);
  assert.ok(world.lines.some((line) => line.includes("Invalid time value")));
});

test("shutdown answers an open request and closes its connection", async () => {
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
