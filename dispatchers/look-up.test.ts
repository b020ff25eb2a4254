import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../core/outcome.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import type { Finding, LookUpQuestion } from "../core/ports/provider.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { type ScriptedProvider, scriptedProvider } from "../test/support/scripted-provider.ts";

const world = useDispatchWorld();
const unanswered: Outcome = { kind: "unanswered", fault: { code: "reset" } };

/** A provider that does not answer and, asked later, finds this. */
function forgetful(find: (question: LookUpQuestion) => Finding): ScriptedProvider & { questions: LookUpQuestion[] } {
  const questions: LookUpQuestion[] = [];
  return {
    ...scriptedProvider("twilio", () => unanswered),
    questions,
    async lookUp(question) {
      questions.push(question);
      return find(question);
    },
  };
}

/** Sends once without an answer, then looks up once. */
async function lookedUp(finding: () => Finding) {
  const provider = forgetful(finding);
  const { dispatch } = world.setUp({ providers: [provider, scriptedProvider("vonage", () => unanswered)] });
  await dispatch(world.task(), "h");
  world.clock.advance(2_000);
  const settlement = await dispatch({ ...world.task(), lookUp: true, publication: 1 }, "h2");
  assert.deepEqual(settlement, { kind: "ack" });
  const [attempt] = await world.store.attempts.find([attemptId(world.task().deliveryId, 1)]);
  return { provider, delivery: await world.delivery(), attempt: attempt! };
}

test("what the provider found ends the delivery, and the attempt says by what", async () => {
  const { provider, delivery, attempt } = await lookedUp(() => ({ kind: "found", outcome: { kind: "accepted", providerRef: "SM1" } }));
  assert.deepEqual([delivery.state, delivery.providerRef, delivery.nextAt], ["sent", "SM1", undefined]);
  assert.deepEqual(
    [attempt.outcome?.kind, attempt.resolution?.by, attempt.resolution?.outcome.kind],
    ["unanswered", "look-up", "accepted"],
  );
  assert.equal(provider.questions[0]?.attemptId, attempt.id);
  assert.equal(provider.questions[0]?.startedAt, attempt.startedAt);
  assert.ok(world.lines.some((l) => l.includes('"finding":"found"')));
  assert.doesNotMatch(world.lines.join(""), /4915112345678|hello/);
});

test("what the provider had to refuse ends as failed", async () => {
  const { delivery } = await lookedUp(() => ({ kind: "found", outcome: { kind: "rejected", reason: "30007" } }));
  assert.deepEqual([delivery.state, delivery.reason], ["failed", "rejected: 30007"]);
});

const inconclusive: [string, () => Finding][] = [
  ["absence", () => ({ kind: "absent" })],
  ["a look-up that fails", () => ({ kind: "unreadable", fault: { code: "http-500" } })],
  ["a finding that would mean another attempt", () => ({ kind: "found", outcome: { kind: "unavailable", fault: { code: "x" } } })],
  [
    "a look-up that throws",
    () => {
      throw new Error("bug");
    },
  ],
];
for (const [what, finding] of inconclusive) {
  test(`${what} proves nothing: the delivery stays uncertain, and nothing is sent`, async () => {
    const { provider, delivery, attempt } = await lookedUp(finding);
    assert.deepEqual([delivery.state, delivery.attempt, attempt.resolution], ["uncertain", 1, undefined]);
    assert.equal(provider.sent.length, 1);
  });
}

test("a question that comes after the answer asks nobody, and a copy of the task that comes after it sends nothing", async () => {
  const provider = forgetful(() => ({ kind: "found", outcome: { kind: "accepted", providerRef: "SM1" } }));
  const { dispatch } = world.setUp({ providers: [provider] });
  await dispatch(world.task(), "h");
  const question = { ...world.task(), lookUp: true };
  for (let i = 0; i < 2; i++) await dispatch(question, "h");
  await dispatch(world.task(), "h");
  assert.deepEqual([provider.questions.length, provider.sent.length], [1, 1]);
});
