import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createAllowList, createReview } from "./authorize.ts";
import type { Caller } from "./front-proxy.ts";
import type { KubernetesAnswer } from "./kubernetes-service.ts";

const callerOf = (user: string, ...groups: string[]): Caller => ({ user, uid: undefined, groups, extra: {} });
const wish = { namespace: "notifications", resource: "carillon_required_per_second" };
const reviewed = (allowed: boolean): KubernetesAnswer => ({ kind: "answer", code: 201, body: { status: { allowed } } });

function reviewing(first: KubernetesAnswer) {
  const clock = createFakeClock();
  const asked: object[] = [];
  let answer = first;
  const post = async (_path: string, body: object) => {
    asked.push(body);
    return answer;
  };
  const say = (next: KubernetesAnswer) => {
    answer = next;
  };
  return { asked, clock, say, authorize: createReview({ post }, clock.monotonic) };
}

test("the review names the caller with uid, groups and extra, and the metric to list", async () => {
  const { authorize, asked } = reviewing(reviewed(true));
  const caller: Caller = { user: "jane", uid: "u-1", groups: ["sre"], extra: { scopes: ["all"] } };
  assert.deepEqual(await authorize(caller, wish), { kind: "allowed" });
  assert.deepEqual(asked, [
    {
      kind: "SubjectAccessReview",
      apiVersion: "authorization.k8s.io/v1",
      spec: {
        user: "jane",
        uid: "u-1",
        groups: ["sre"],
        extra: { scopes: ["all"] },
        resourceAttributes: {
          verb: "list",
          group: "external.metrics.k8s.io",
          version: "v1beta1",
          resource: "carillon_required_per_second",
          namespace: "notifications",
        },
      },
    },
  ]);
});

test("a review is cached for ten seconds, per caller and metric", async () => {
  const { authorize, asked, clock, say } = reviewing(reviewed(true));
  // The HPA controller reads all channels at once.
  await Promise.all([authorize(callerOf("hpa"), wish), authorize(callerOf("hpa"), wish)]);
  clock.advance(9_999);
  assert.equal((await authorize(callerOf("hpa"), wish)).kind, "allowed");
  assert.equal(asked.length, 1);
  say(reviewed(false));
  assert.equal((await authorize(callerOf("hpa", "sre"), wish)).kind, "denied");
  assert.equal((await authorize(callerOf("hpa"), { ...wish, namespace: "other" })).kind, "denied");
  assert.equal((await authorize(callerOf("hpa"), { ...wish, resource: "other" })).kind, "denied");
  assert.equal(asked.length, 4);
  clock.advance(2);
  assert.equal((await authorize(callerOf("hpa"), wish)).kind, "denied");
  assert.equal(asked.length, 5);
});

test("system:masters may read without a review", async () => {
  const { authorize, asked } = reviewing(reviewed(false));
  assert.deepEqual(await authorize(callerOf("system:kube-aggregator", "system:masters"), wish), { kind: "allowed" });
  assert.deepEqual(asked, []);
});

const UNDECIDED: readonly [what: string, answer: KubernetesAnswer, why: RegExp][] = [
  ["an unreachable API server", { kind: "unreachable", why: "ECONNREFUSED" }, /is unreachable: ECONNREFUSED/],
  ["a service account without permission", { kind: "answer", code: 403, body: { kind: "Status" } }, /403; .*system:auth-delegator/],
  ["an answer without a body", { kind: "answer", code: 500, body: undefined }, /answered a SubjectAccessReview 500$/],
  ["an answer that is no review", { kind: "answer", code: 200, body: { status: { allowed: "yes" } } }, /200$/],
];
for (const [what, answer, why] of UNDECIDED)
  test(`${what} leaves the request undecided, and the next one asks again`, async () => {
    const { authorize, say } = reviewing(answer);
    const decision = await authorize(callerOf("hpa"), wish);
    assert.equal(decision.kind, "undecided");
    assert.match(decision.kind === "undecided" ? decision.why : "", why);
    say(reviewed(true));
    assert.equal((await authorize(callerOf("hpa"), wish)).kind, "allowed");
  });

test("outside a cluster the named users may read, and system:masters", async () => {
  const authorize = createAllowList(["hpa"]);
  assert.equal((await authorize(callerOf("hpa"), wish)).kind, "allowed");
  assert.equal((await authorize(callerOf("admin", "system:masters"), wish)).kind, "allowed");
  assert.equal((await authorize(callerOf("jane", "hpa"), wish)).kind, "denied");
  assert.equal((await createAllowList([])(callerOf(""), wish)).kind, "denied");
});
