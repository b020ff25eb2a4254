// What the relay makes of attempts whose workers said nothing, or died.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { CLASSES } from "../core/delivery/channel.ts";
import { STATUS_QUERY_FIRST_MS, UNCERTAIN_WAIT_MS } from "../core/delivery/decide.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import { SUPERSEDED } from "../core/delivery/superseded.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import { anyChange } from "../test/support/changes.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { SLOW_MS, useRelayWorld } from "../test/support/relay-world.ts";
import { CLOCK_SKEW_MS } from "./evaluate.ts";
import { createRelay } from "./relay.ts";

const world = useRelayWorld();
const { accept, claim, delivery } = world;
let { store, clock, published, relay } = world;
beforeEach(() => {
  ({ store, clock, published, relay } = world);
});
const accepted: Outcome = { kind: "accepted", providerRef: "r" };
const unanswered: Outcome = { kind: "unanswered", fault: { code: "reset" } };

test("does not end a claimed attempt as expired: its outcome decides", async () => {
  const id = await accept({ expiresAt: clock.now() + 10 });
  await claim(id);
  clock.advance(10);
  await relay.iterate();
  assert.equal((await delivery(id)).state, "pending");
});

test("finishes a delivery whose worker died after recording the outcome", async () => {
  const id = await accept();
  await claim(id);
  await store.attempts.record([{ id: attemptId(`${id}-0`, 1), worker: "w", outcome: accepted, answeredAt: clock.now() }]);
  await relay.iterate();
  assert.deepEqual([(await delivery(id)).state, (await delivery(id)).nextAt], ["sent", undefined]);
  const closed = await accept({
    id: "f".repeat(32),
    idempotencyKey: "two",
    deliveries: sampleNotification("two", clock.now()).deliveries.map((d) => ({ ...d, id: `${"f".repeat(32)}-0` })),
  });
  await claim(closed, { outcome: { kind: "void", state: "suppressed", reason: { code: "opted-out" } } });
  await relay.iterate();
  assert.deepEqual([(await delivery(closed)).state, (await delivery(closed)).reason], ["suppressed", { code: "opted-out" }]);
});

test("waits for a worker's deadline and the clock skew, then declares the outcome unknown", async () => {
  const id = await accept();
  await claim(id, { deadlineAt: clock.now() + 15_000 });
  await relay.iterate();
  clock.advance(15_000 + CLOCK_SKEW_MS - 1);
  await relay.iterate();
  assert.equal((await delivery(id)).state, "pending");
  clock.advance(1);
  await relay.iterate();
  await relay.iterate();
  assert.equal((await delivery(id)).state, "uncertain");
  assert.equal(published.length, 0);
});

for (const notificationClass of CLASSES) {
  test(`an unknown outcome of class ${notificationClass} is queried until its policy decides`, async () => {
    const id = await accept({ notificationClass });
    await claim(id, { deadlineAt: clock.now() - CLOCK_SKEW_MS });
    for (let i = 0; i < 2; i++) await relay.iterate();
    const uncertain = await delivery(id);
    assert.deepEqual([uncertain.state, uncertain.uncertainSince], ["uncertain", clock.now()]);
    const until = clock.now() + UNCERTAIN_WAIT_MS[notificationClass];
    for (;;) {
      const { nextAt } = await delivery(id);
      assert.ok(nextAt !== undefined && nextAt <= until, "it is due again when the policy decides, at the latest");
      clock.advance(nextAt - clock.now());
      if (nextAt === until) break;
      await relay.iterate();
    }
    assert.equal((await delivery(id)).state, "uncertain");
    const asked = published.splice(0);
    assert.ok(asked.length >= 2 && asked.length <= 10, `asked ${asked.length} times`);
    assert.ok(asked.every((t) => t.statusQuery && t.attempt === 1));
    assert.equal(new Set(asked.map((t) => t.publication)).size, asked.length, "copies of one question are no duplicates of each other");
    for (let i = 0; i < 2; i++) await relay.iterate();
    const d = await delivery(id);
    if (notificationClass !== "critical") {
      assert.deepEqual([d.state, d.reason, published.length], ["failed", { code: "outcome-unknown" }, 0]);
      return;
    }
    assert.deepEqual(
      published.map((t) => [t.attempt, t.policyResend, t.statusQuery]),
      [[2, true, false]],
    );
    // The repetition's outcome stays unknown as well: there is no third.
    await claim(id, { deadlineAt: clock.now() - CLOCK_SKEW_MS, policyResend: true }, 2);
    for (let i = 0; i < 20; i++) {
      clock.advance(UNCERTAIN_WAIT_MS.transactional / 10);
      await relay.iterate();
    }
    assert.deepEqual([(await delivery(id)).state, published.filter((t) => !t.statusQuery).length], ["failed", 1]);
  });
}

test("a provider that can be asked only later is first queried then, and no later than the policy decides", async () => {
  const id = await accept();
  await claim(id, { provider: "slow", deadlineAt: clock.now() - CLOCK_SKEW_MS });
  for (let i = 0; i < 2; i++) await relay.iterate();
  clock.advance(STATUS_QUERY_FIRST_MS);
  await relay.iterate();
  const { nextAt, uncertainSince } = await delivery(id);
  assert.deepEqual([nextAt, published.length], [uncertainSince! + SLOW_MS, 0]);
  clock.advance(nextAt! - clock.now());
  await relay.iterate();
  assert.deepEqual(
    published.map((t) => t.statusQuery),
    [true],
  );
});

test("an unknown outcome at a provider that cannot be asked makes no status-query tasks, whatever its channel", async () => {
  const id = await accept();
  await claim(id, { provider: "silent", deadlineAt: clock.now() - CLOCK_SKEW_MS });
  for (let i = 0; i < 2; i++) await relay.iterate();
  clock.advance(STATUS_QUERY_FIRST_MS);
  await relay.iterate();
  const { state, nextAt, uncertainSince } = await delivery(id);
  assert.deepEqual([state, nextAt], ["uncertain", uncertainSince! + UNCERTAIN_WAIT_MS.transactional]);
  assert.equal(published.length, 0);
});

for (const by of ["receipt", "status-query"] as const) {
  test(`what a ${by} resolved is finished where its writer died before changing the delivery`, async () => {
    const id = await accept();
    await claim(id, { deadlineAt: clock.now() - CLOCK_SKEW_MS });
    await store.attempts.resolve([{ id: attemptId(`${id}-0`, 1), resolution: { outcome: accepted, by, at: clock.now() } }]);
    await relay.iterate();
    assert.equal((await delivery(id)).state, "sent");
  });
}

test("keeps the due time that a worker set with an unknown outcome during the evaluation", async () => {
  const id = await accept();
  const unanswered = { kind: "unanswered", fault: { code: "deadline" } } as const;
  for (const deadlineAt of [clock.now() - CLOCK_SKEW_MS, clock.now() + 15_000]) {
    const number = (await delivery(id)).attempt;
    await claim(id, { deadlineAt }, number);
    // The worker's own answer arrives between the relay's reading and its writing.
    const meanwhile = async () => {
      const nextAt = clock.now() + UNCERTAIN_WAIT_MS.transactional;
      await store.attempts.record([{ id: attemptId(`${id}-0`, number), worker: "w", outcome: unanswered, answeredAt: clock.now() }]);
      const change = { notificationId: id, deliveryId: `${id}-0`, expect: { attempt: number, states: ["pending"] as const } };
      await store.notifications.change([anyChange({ ...change, set: { state: "uncertain", nextAt } })]);
      return nextAt;
    };
    let nextAt = 0;
    const find = async (ids: readonly string[]) => {
      const found = await store.attempts.find(ids);
      nextAt = await meanwhile();
      return found;
    };
    const racing = createRelay({ ...world.parts, store: { ...store, attempts: { ...store.attempts, find } } });
    await racing.iterate();
    assert.deepEqual([(await delivery(id)).state, (await delivery(id)).nextAt], ["uncertain", nextAt]);
    const expect = { attempt: number, states: ["uncertain"] as const };
    const set = { state: "pending", attempt: number + 1, nextAt: clock.now() } as const;
    await store.notifications.change([anyChange({ notificationId: id, deliveryId: `${id}-0`, expect, set })]);
  }
});

test("an answer that is recorded late ends an uncertain delivery", async () => {
  const id = await accept();
  await claim(id, { deadlineAt: clock.now() - CLOCK_SKEW_MS, outcome: accepted, answeredAt: clock.now() });
  const change = {
    notificationId: id,
    deliveryId: `${id}-0`,
    expect: { attempt: 1, states: ["pending"] as const },
    set: { state: "uncertain" as const, nextAt: clock.now() },
  };
  await store.notifications.change([anyChange(change)]);
  await relay.iterate();
  assert.equal((await delivery(id)).state, "sent");
});

test("an unknown outcome stored without uncertainSince by an earlier version is given up, too", async () => {
  const id = await accept({}, { state: "uncertain", nextAt: clock.now() });
  await claim(id, { outcome: { kind: "unanswered", fault: { code: "reset" } }, answeredAt: clock.now() });
  for (let turns = 0; turns < 500 && (await delivery(id)).state === "uncertain"; turns++) {
    clock.advance(2_000);
    await relay.iterate();
  }
  assert.deepEqual([(await delivery(id)).state, (await delivery(id)).reason], ["failed", { code: "outcome-unknown" }]);
});

test("a number that was closed by cancelling ends its delivery: as cancelled where nothing was sent, else as of unknown outcome", async () => {
  const cancelled = { kind: "void", state: "cancelled", reason: { code: "cancelled", detail: "why" } } as const;
  for (const [i, earlier] of [undefined, { policyResend: true }, { redrive: 1, runStart: 2 }].entries()) {
    const over = { id: `${i}`.padStart(32, "b") };
    const id = await accept(over, { id: `${over.id}-0`, attempt: 2, nextAt: clock.now(), ...earlier });
    await claim(id, { outcome: earlier ? unanswered : { kind: "unavailable", fault: { code: "reset" } } });
    await claim(id, { outcome: cancelled }, 2);
    await relay.iterate();
    const { state, reason } = await delivery(id);
    assert.deepEqual([state, reason], earlier ? ["failed", { code: "outcome-unknown" }] : ["cancelled", cancelled.reason]);
  }
  assert.equal(published.length, 0);
});

test("a delivery whose first attempt proves accepted while the retry is in progress ends as sent", async () => {
  const closed = { kind: "void", state: "expired", reason: { code: "expired" } } as const;
  const cancelled = { ...closed, state: "cancelled", reason: { code: "cancelled" } } as const;
  for (const [i, outcome] of [
    unanswered,
    { kind: "rejected", reason: "no" } as const,
    closed,
    cancelled,
    SUPERSEDED,
    undefined,
  ].entries()) {
    const over = { id: `${i}`.padStart(32, "a") };
    const id = await accept(over, { id: `${over.id}-0`, attempt: 2, policyResend: true, nextAt: clock.now() });
    await claim(id, { outcome: unanswered });
    if (outcome) await claim(id, { outcome, policyResend: true }, 2);
    const resolution = { outcome: accepted, by: "receipt", at: clock.now() } as const;
    await store.attempts.resolve([{ id: attemptId(`${id}-0`, 1), resolution }]);
    for (let turns = 0; turns < 2; turns++) {
      clock.advance(1);
      await relay.iterate();
    }
    const { state, providerRef } = await delivery(id);
    // By it a later receipt is known to be about what took the repetition's place.
    assert.deepEqual([state, providerRef], ["sent", "r"], outcome?.kind ?? "not claimed");
  }
  assert.equal(published.length, 0);
});
