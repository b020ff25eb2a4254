import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeliveryState } from "../../core/delivery/notification.ts";
import type { Reason } from "../../core/delivery/reason.ts";
import { sampleAttempt, sampleNotification, T0 } from "../../test/support/store/samples.ts";
import { createDeliveryCounts, readAttempt, readNotification, type StoredAttempt } from "./stored.ts";
import { parseStoredReason } from "./stored-reason.ts";

/** As versions before 0.1.0 wrote them. */
const TEXTS: readonly [DeliveryState, string, Reason | undefined][] = [
  ["sent", "", undefined],
  ["sent", "an earlier attempt arrived", { code: "superseded" }],
  ["delivered", "an earlier attempt arrived", { code: "superseded" }],
  ["sent", "undelivered: 30003", { code: "undelivered", detail: "30003" }],
  ["sent", "queued: sending-paused", { code: "warning", detail: "queued: sending-paused" }],
  ["sent", "no-message-id", { code: "warning", detail: "no-message-id" }],
  ["uncertain", "reset", { code: "outcome-unknown", detail: "reset" }],
  ["uncertain", "worker-lost", { code: "outcome-unknown", detail: "worker-lost" }],
  ["pending", "unavailable: http-503", { code: "unavailable", detail: "http-503" }],
  ["pending", "outcome-unknown", { code: "outcome-unknown" }],
  ["suppressed", "opted-out", { code: "opted-out" }],
  ["suppressed", "no-endpoint", { code: "no-endpoint" }],
  ["expired", "expired", { code: "expired" }],
  ["expired", "throttled: 429", { code: "throttled", detail: "429" }],
  ["expired", "misconfigured: InvalidProviderToken", { code: "misconfigured", detail: "InvalidProviderToken" }],
  ["failed", "attempts-exhausted: http-503", { code: "attempts-exhausted", detail: "http-503" }],
  ["failed", "endpoint-gone: BadDeviceToken", { code: "endpoint-gone", detail: "BadDeviceToken" }],
  ["failed", "rejected: anything: the provider likes", { code: "rejected", detail: "anything: the provider likes" }],
  ["failed", "rejected:21211", { code: "rejected", detail: "21211" }],
  ["failed", "outcome-unknown", { code: "outcome-unknown" }],
  ["failed", "undelivered: 30003", { code: "undelivered", detail: "30003" }],
  ["failed", "poison", { code: "poison" }],
  ["failed", "redriven before it was claimed", { code: "redriven" }],
  ["failed", "something else", { code: "other", detail: "something else" }],
  ["failed", "constructor", { code: "other", detail: "constructor" }],
];
for (const [state, text, expected] of TEXTS)
  test(`${state} by the stored text "${text}" reads as ${JSON.stringify(expected)}`, () =>
    assert.deepEqual(parseStoredReason(text, state), expected));

test("today's shape, and no reason, are read as they are", () => {
  assert.deepEqual(parseStoredReason({ code: "rejected", detail: "a: b" }, "failed"), { code: "rejected", detail: "a: b" });
  assert.equal(parseStoredReason(undefined, "sent"), undefined);
  assert.equal(parseStoredReason(null, "sent"), undefined);
});

test("a notification of before is read with reasons that have codes, and one of today is unchanged", () => {
  const today = sampleNotification([T0, undefined]);
  assert.deepEqual(readNotification(today), today);
  const before = { ...today, deliveries: today.deliveries.map((d) => (d.reason ? { ...d, reason: "opted-out" } : d)) };
  assert.deepEqual(readNotification(before), today);
});

test("an attempt that was called closed is void, and every other one is unchanged", () => {
  const open = sampleAttempt();
  const answered = sampleAttempt({ outcome: { kind: "rejected", reason: "no" }, answeredAt: T0 });
  assert.deepEqual([readAttempt(open), readAttempt(answered)], [open, answered]);
  const closed: StoredAttempt = { ...open, outcome: { kind: "closed", state: "suppressed", reason: "opted-out" }, answeredAt: T0 };
  assert.deepEqual(readAttempt(closed), {
    ...open,
    outcome: { kind: "void", state: "suppressed", reason: { code: "opted-out" } },
    answeredAt: T0,
  });
});

test("old and new reasons of the same code are counted together", () => {
  const counts = createDeliveryCounts();
  counts.add("sms", "failed", "rejected: a", 2);
  counts.add("sms", "failed", { code: "rejected", detail: "b" }, 3);
  counts.add("sms", "pending", undefined, 1);
  assert.deepEqual(counts.all(), [
    { channel: "sms", state: "failed", reason: "rejected", count: 5 },
    { channel: "sms", state: "pending", reason: undefined, count: 1 },
  ]);
});
