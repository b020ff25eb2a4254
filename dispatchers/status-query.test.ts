import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../core/delivery/outcome.ts";
import { resolutionOf } from "../core/delivery/receipt.ts";
import { attemptId, type Resolution } from "../core/ports/attempt-store.ts";
import type { Finding, StatusQuery } from "../core/ports/provider.ts";
import { anyChange } from "../test/support/changes.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { type ScriptedProvider, scriptedProvider } from "../test/support/scripted-provider.ts";

const world = useDispatchWorld();
const unanswered: Outcome = { kind: "unanswered", fault: { code: "reset" } };

/** A provider that does not answer and, asked later, finds this. */
function forgetful(find: (question: StatusQuery) => Finding): ScriptedProvider & { questions: StatusQuery[] } {
  const questions: StatusQuery[] = [];
  return {
    ...scriptedProvider("twilio", () => unanswered),
    questions,
    async statusQuery(question) {
      questions.push(question);
      return find(question);
    },
  };
}

/** Sends once without an answer, then looks up once. */
async function queried(finding: () => Finding) {
  const provider = forgetful(finding);
  const { dispatch } = world.setUp({ providers: [provider, scriptedProvider("vonage", () => unanswered)] });
  await dispatch(world.task(), "h");
  world.clock.advance(2_000);
  const settlement = await dispatch({ ...world.task(), statusQuery: true, publication: 1 }, "h2");
  assert.deepEqual(settlement, { kind: "ack" });
  const [attempt] = await world.store.attempts.find([attemptId(world.task().deliveryId, 1)]);
  return { provider, delivery: await world.delivery(), attempt: attempt! };
}

test("what the provider found ends the delivery, and the attempt records how it was resolved", async () => {
  const { provider, delivery, attempt } = await queried(() => ({ kind: "found", outcome: { kind: "accepted", providerRef: "SM1" } }));
  assert.deepEqual([delivery.state, delivery.providerRef, delivery.nextAt], ["sent", "SM1", undefined]);
  assert.deepEqual(
    [attempt.outcome?.kind, attempt.resolution?.by, attempt.resolution?.outcome.kind],
    ["unanswered", "status-query", "accepted"],
  );
  assert.equal(provider.questions[0]?.attemptId, attempt.id);
  assert.equal(provider.questions[0]?.startedAt, attempt.startedAt);
  assert.ok(world.lines.some((l) => l.includes('"finding":"found"')));
  assert.doesNotMatch(world.lines.join(""), /4915112345678|hello/);
});

test("what the provider had to opt out ends as failed", async () => {
  const { delivery } = await queried(() => ({ kind: "found", outcome: { kind: "rejected", reason: "30007" } }));
  assert.deepEqual([delivery.state, delivery.reason], ["failed", { code: "rejected", detail: "30007" }]);
});

const inconclusive: [string, () => Finding][] = [
  ["absence", () => ({ kind: "absent" })],
  ["a status query that fails", () => ({ kind: "unreadable", fault: { code: "http-500" } })],
  ["a finding that would mean another attempt", () => ({ kind: "found", outcome: { kind: "unavailable", fault: { code: "x" } } })],
  [
    "a status query that throws",
    () => {
      throw new Error("bug");
    },
  ],
];
for (const [what, finding] of inconclusive) {
  test(`${what} proves nothing: the delivery stays uncertain, and nothing is sent`, async () => {
    const { provider, delivery, attempt } = await queried(finding);
    assert.deepEqual([delivery.state, delivery.attempt, attempt.resolution], ["uncertain", 1, undefined]);
    assert.equal(provider.sent.length, 1);
  });
}

test("a status query after the answer calls no provider, and a later copy of the task sends nothing", async () => {
  const provider = forgetful(() => ({ kind: "found", outcome: { kind: "accepted", providerRef: "SM1" } }));
  const { dispatch } = world.setUp({ providers: [provider] });
  await dispatch(world.task(), "h");
  const question = { ...world.task(), statusQuery: true };
  for (let i = 0; i < 2; i++) await dispatch(question, "h");
  await dispatch(world.task(), "h");
  assert.deepEqual([provider.questions.length, provider.sent.length], [1, 1]);
});

test("a finding after the delivery was given up as unknown still counts", async () => {
  const provider = forgetful(() => ({ kind: "found", outcome: { kind: "accepted", providerRef: "SM1" } }));
  const { dispatch } = world.setUp({ providers: [provider] });
  await dispatch(world.task(), "h");
  const { notificationId, deliveryId } = world.task();
  const set = { state: "failed", reason: { code: "outcome-unknown" }, nextAt: undefined, endedAt: world.clock.now() } as const;
  await world.store.notifications.change([anyChange({ notificationId, deliveryId, expect: { attempt: 1, states: ["uncertain"] }, set })]);
  await dispatch({ ...world.task(), statusQuery: true }, "h2");
  assert.deepEqual([(await world.delivery()).state, (await world.delivery()).providerRef], ["sent", "SM1"]);
});

/** Twilio did not answer for the first attempt, which is to be repeated; then it became known that it had it. */
async function resolvedBeforeRepetition(resolution: Resolution) {
  const provider = forgetful(() => ({ kind: "absent" }));
  const { dispatch } = world.setUp({ providers: [provider] });
  await dispatch(world.task(), "h");
  const { notificationId, deliveryId } = world.task();
  const set = { state: "pending", attempt: 3, policyResend: true, nextAt: world.clock.now() } as const;
  await world.store.notifications.change([anyChange({ notificationId, deliveryId, expect: { attempt: 1, states: ["uncertain"] }, set })]);
  await world.store.attempts.resolve([{ id: attemptId(deliveryId, 1), resolution }]);
  assert.deepEqual(await dispatch({ ...world.task(), attempt: 3, policyResend: true }, "h3"), { kind: "ack" });
  return { sends: provider.sent.length, delivery: await world.delivery() };
}
const now = 1_000_000;

test("an attempt known as accepted is not repeated, not even by a third attempt after the second could not be sent", async () => {
  const receipt = { attemptId: "", provider: "twilio", kind: "accepted", providerRef: "SM1", at: now } as const;
  const { sends, delivery } = await resolvedBeforeRepetition(resolutionOf(receipt));
  assert.equal(sends, 1);
  assert.deepEqual([delivery.state, delivery.providerRef, delivery.nextAt], ["sent", "SM1", undefined]);
});

test("an attempt that its provider accepted and did not send is repeated", async () => {
  const receipt = { attemptId: "", provider: "twilio", kind: "undelivered", reason: "30003", at: now } as const;
  assert.equal((await resolvedBeforeRepetition(resolutionOf(receipt))).sends, 2);
});

test("an opted-out retry ends as sent where the first attempt proves accepted", async () => {
  const { deliveryId, notificationId } = world.task();
  const outcome = { kind: "accepted", providerRef: "SM1" } as const;
  let sends = 0;
  const provider = scriptedProvider("twilio", () => (++sends === 1 ? unanswered : { kind: "rejected", reason: "21211" }));
  const send: typeof provider.send = async (delivery, signal) => {
    const answer = await provider.send(delivery, signal);
    if (sends === 2)
      await world.store.attempts.resolve([{ id: attemptId(deliveryId, 1), resolution: { outcome, by: "receipt", at: now } }]);
    return answer;
  };
  const { dispatch } = world.setUp({ providers: [{ ...provider, send }] });
  await dispatch(world.task(), "h");
  const set = { state: "pending", attempt: 2, policyResend: true, nextAt: world.clock.now() } as const;
  await world.store.notifications.change([anyChange({ notificationId, deliveryId, expect: { attempt: 1, states: ["uncertain"] }, set })]);
  await dispatch({ ...world.task(), attempt: 2, policyResend: true }, "h2");
  assert.deepEqual([sends, (await world.delivery()).state, (await world.delivery()).providerRef], [2, "sent", "SM1"]);
});

test("what repeats an attempt in doubt has no collapse key, under which it could replace a newer push", async () => {
  const { deliveryId, notificationId } = world.task();
  const provider = scriptedProvider("twilio", () => unanswered);
  const { dispatch } = world.setUp({ providers: [provider] });
  const task = { ...world.task(), collapseKey: "order-7" };
  await dispatch(task, "h");
  const set = { state: "pending", attempt: 2, policyResend: true, nextAt: world.clock.now() } as const;
  await world.store.notifications.change([anyChange({ notificationId, deliveryId, expect: { attempt: 1, states: ["uncertain"] }, set })]);
  await dispatch({ ...task, attempt: 2, policyResend: true }, "h2");
  assert.deepEqual(
    provider.sent.map(({ collapseKey }) => collapseKey),
    ["order-7", undefined],
  );
});

test("a retry that expires during its claim ends as sent where the first attempt proves accepted", async () => {
  const { deliveryId, notificationId, expiresAt } = world.task();
  const outcome = { kind: "accepted", providerRef: "SM1" } as const;
  const provider = scriptedProvider("twilio", () => unanswered);
  await world.setUp({ providers: [provider] }).dispatch(world.task(), "h");
  const set = { state: "pending", attempt: 2, policyResend: true, nextAt: world.clock.now() } as const;
  await world.store.notifications.change([anyChange({ notificationId, deliveryId, expect: { attempt: 1, states: ["uncertain"] }, set })]);
  const { store, clock } = world;
  const claim: typeof store.attempts.claim = async (attempts) => {
    const won = await store.attempts.claim(attempts);
    await store.attempts.resolve([{ id: attemptId(deliveryId, 1), resolution: { outcome, by: "receipt", at: now } }]);
    clock.advance(expiresAt - clock.now());
    return won;
  };
  const slow = world.setUp({ providers: [provider], store: { ...store, attempts: { ...store.attempts, claim } } });
  assert.deepEqual(await slow.dispatch({ ...world.task(), attempt: 2, policyResend: true }, "h2"), { kind: "ack" });
  const { state, providerRef } = await world.delivery();
  assert.deepEqual([provider.sent.length, state, providerRef], [1, "sent", "SM1"]);
});
