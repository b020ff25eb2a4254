import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import type { AttemptOutcome, AttemptRecord } from "../../core/ports/attempt-store.ts";
import { deadLetters, decideRedrive, type RedriveTerms } from "./dead-letters.ts";

const NOW = 1_000_000;
const dead = (over: Partial<Delivery> = {}): Delivery => ({
  ...{ id: "n-0", channel: "sms", endpoint: { channel: "sms", phoneNumber: "+49" }, state: "failed", attempt: 1, publishCount: 3 },
  ...{ endedAt: NOW - 500, reason: { code: "rejected", detail: "content" }, ...over },
});
const notification = (...deliveries: Delivery[]) =>
  ({ id: "n", app: "shop", expiresAt: NOW + 60_000, deliveries }) as Partial<NotificationRecord> as NotificationRecord;
const attempt = (number: number, outcome?: AttemptOutcome, over: Partial<AttemptRecord> = {}): AttemptRecord => ({
  ...{ id: `n-0/${number}`, deliveryId: "n-0", number, worker: "w", provider: "p", startedAt: 1, deadlineAt: 2, outcome, ...over },
});
const terms = (over: Partial<RedriveTerms> = {}): RedriveTerms => ({ now: NOW, at: NOW, uncertain: false, named: false, ...over });
const redrive = (d: Delivery, attempts: AttemptRecord[], over: Partial<RedriveTerms> = {}) =>
  decideRedrive(notification(d), d, attempts, terms(over));

const rejected = { kind: "rejected", reason: "content" } as const;
const unavailable = { kind: "unavailable", fault: { code: "http-503" } } as const;
const unanswered = { kind: "unanswered", fault: { code: "reset" } } as const;
const accepted = { kind: "accepted", providerRef: "r" } as const;
const closed = { kind: "void", state: "failed", reason: { code: "poison" } } as const;

test("starts a new run under the same ids, applied only to the delivery that was read", () => {
  const d = dead({ attempt: 2, uncertainSince: 5, policyResend: true, providerRef: "r" });
  const result = redrive(d, [attempt(1, unavailable), attempt(2, rejected)]);
  assert.ok(result.kind === "redrive");
  assert.deepEqual(
    result.transition.events.map((e) => [e.kind, e.attempt]),
    [["redriven", 3]],
  );
  assert.deepEqual(result.transition.change, {
    ...{ notificationId: "n", deliveryId: "n-0", expect: { attempt: 2, states: ["failed"] } },
    set: {
      ...{ state: "pending", attempt: 3, runStart: 3, publishCount: 0, nextAt: NOW },
      ...{ endedAt: undefined, reason: undefined, uncertainSince: undefined, policyResend: undefined, providerRef: undefined },
    },
  });
});

const MAYBES: readonly [what: string, attempts: AttemptRecord[]][] = [
  ["the last attempt had no answer", [attempt(1, rejected), attempt(2, unanswered)]],
  ["one of an earlier run had none", [attempt(1, unanswered), attempt(2, rejected, { redrive: 1 })]],
  ["a worker may still be at it", [attempt(1), attempt(2, rejected)]],
  ["a provider took it and then lost it", [attempt(1, unavailable), attempt(2, accepted)]],
  ["a receipt proves it", [attempt(1, unanswered, { resolution: { outcome: accepted, by: "receipt", at: 3 } }), attempt(2, closed)]],
];
for (const [what, attempts] of MAYBES)
  test(`what may have been sent is not redriven unless requested: ${what}`, () => {
    assert.deepEqual(redrive(dead({ attempt: 2 }), attempts), { kind: "may-be-sent" });
    assert.deepEqual(redrive(dead({ attempt: 2 }), attempts, { named: true, expiresInMs: 1_000 }), { kind: "may-be-sent" });
    const asked = redrive(dead({ attempt: 2, redrive: 1 }), attempts, { uncertain: true });
    assert.equal(asked.kind === "redrive" && asked.transition.change.set.redrive, 2);
  });

test("asking for the uncertain ones counts no repetition where nothing can have been sent", () => {
  const queried = attempt(1, unanswered, { resolution: { outcome: rejected, by: "status-query", at: 3 } });
  for (const made of [attempt(1, unavailable), attempt(1, closed), queried]) {
    const result = redrive(dead(), [made], { uncertain: true });
    assert.ok(result.kind === "redrive" && !("redrive" in result.transition.change.set), made.outcome?.kind);
  }
});

test("an unclaimed number is voided first", () => {
  assert.deepEqual(redrive(dead({ attempt: 3 }), [attempt(2, rejected)]), { kind: "unclaimed", numbers: [1, 3] });
});

test("an expired delivery needs a new expiry, and no expiry is shortened", () => {
  const late = dead({ expiresAt: NOW });
  assert.deepEqual(redrive(late, [attempt(1, rejected)]), { kind: "expired" });
  const longer = redrive(late, [attempt(1, rejected)], { expiresInMs: 5_000 });
  assert.equal(longer.kind === "redrive" && longer.transition.change.set.expiresAt, NOW + 5_000);
  const enough = redrive(dead(), [attempt(1, rejected)], { expiresInMs: 5_000 });
  assert.ok(enough.kind === "redrive" && !("expiresAt" in enough.transition.change.set));
  assert.deepEqual(redrive(dead(), [attempt(1, rejected)], { at: NOW + 60_000 }), { kind: "expired" });
});

test("a delivery to a dead endpoint is redriven only by its id", () => {
  const gone = dead({ reason: { code: "endpoint-gone", detail: "410" } });
  assert.deepEqual(redrive(gone, [attempt(1, rejected)]), { kind: "gone" });
  assert.equal(redrive(gone, [attempt(1, rejected)], { named: true }).kind, "redrive");
});

test("only what failed is a dead letter", () => {
  for (const state of ["pending", "uncertain", "sent", "expired", "suppressed"] as const)
    assert.deepEqual(redrive(dead({ state }), [attempt(1, rejected)]), { kind: "not-failed" });
});

test("dead letters are found by channel, reason, app and time", () => {
  const d = dead();
  const n = notification(d, dead({ id: "n-1", state: "sent" }), dead({ id: "n-2", endedAt: undefined }));
  const found = (filter: object) => deadLetters(n, { from: 0, to: NOW, ...filter }).map((x) => x.id);
  assert.deepEqual(found({}), ["n-0"]);
  assert.deepEqual(found({ channel: "sms", reason: "rejected", app: "shop", from: NOW - 500, to: NOW - 499 }), ["n-0"]);
  for (const other of [{ channel: "email" }, { reason: "poison" }, { app: "bank" }, { from: NOW - 499 }, { to: NOW - 500 }])
    assert.deepEqual(found(other), [], JSON.stringify(other));
});
