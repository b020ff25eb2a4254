import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleNotification } from "../test/support/notification-samples.ts";
import type { Delivery, DeliveryState } from "./notification.ts";
import { type AttemptRecord, attemptId } from "./ports/attempt-store.ts";
import { type Receipt, type ReceiptEffect, receiptEffect } from "./receipt.ts";

const NOW = 1_000_000;
const deliveryId = sampleNotification("one", NOW).deliveries[0]!.id;

function effect(kind: Receipt["kind"], attempt: number, delivery: Partial<Delivery>): ReceiptEffect {
  const id = attemptId(deliveryId, attempt);
  const record: AttemptRecord = { id, deliveryId, number: attempt, worker: "w", provider: "twilio", startedAt: NOW, deadlineAt: NOW };
  const d: Delivery = { ...sampleNotification("one", NOW).deliveries[0]!, ...delivery };
  return receiptEffect({ attemptId: id, provider: "twilio", kind, reason: "30003", at: NOW }, record, d, { worker: "f", now: NOW });
}

/** Where a delivery at attempt 1 is after a receipt of attempt 1; undefined: where it was. */
const SAME: [DeliveryState, string | undefined, Record<Receipt["kind"], DeliveryState | undefined>][] = [
  ["pending", undefined, { accepted: "sent", delivered: "delivered", undelivered: "failed" }],
  ["uncertain", "reset", { accepted: "sent", delivered: "delivered", undelivered: "failed" }],
  ["sent", undefined, { accepted: undefined, delivered: "delivered", undelivered: "failed" }],
  ["delivered", undefined, { accepted: undefined, delivered: undefined, undelivered: undefined }],
  ["failed", "outcome-unknown", { accepted: "sent", delivered: "delivered", undelivered: "failed" }],
  ["failed", "undelivered: 30003", { accepted: undefined, delivered: undefined, undelivered: undefined }],
  ["failed", "rejected: 21211", { accepted: undefined, delivered: undefined, undelivered: undefined }],
  ["suppressed", "opted-out", { accepted: undefined, delivered: undefined, undelivered: undefined }],
];
for (const [state, reason, after] of SAME) {
  for (const kind of ["accepted", "delivered", "undelivered"] as const) {
    test(`${state}${reason ? ` (${reason})` : ""}, and told that it is ${kind}: ${after[kind] ?? "as it was"}`, () => {
      const e = effect(kind, 1, { state, reason });
      assert.equal(e.kind, after[kind] ? "change" : "nothing");
      if (e.kind !== "change") return;
      assert.deepEqual([e.change.set.state, e.change.set.nextAt, e.change.expect.attempt], [after[kind], undefined, 1]);
      assert.ok(e.change.expect.states.includes(state));
      assert.equal(e.change.set.reason, kind === "undelivered" ? "undelivered: 30003" : undefined);
    });
  }
}

test("a receipt of an attempt that is about to be repeated closes the repetition's number, so that it is not sent", () => {
  const e = effect("delivered", 1, { state: "pending", attempt: 2, policyResend: true });
  assert.ok(e.kind === "close");
  assert.deepEqual([e.attempt.id, e.attempt.outcome?.kind], [attemptId(deliveryId, 2), "closed"]);
  assert.deepEqual([e.change.set.state, e.change.expect], ["delivered", { attempt: 2, states: ["pending"] }]);
});

test("a receipt of the first attempt betters what the repetition came to, and never worsens it", () => {
  for (const state of ["uncertain", "failed", "expired", "suppressed"] as const)
    assert.equal(effect("accepted", 1, { state, attempt: 2 }).kind, "change", state);
  for (const state of ["sent", "delivered"] as const) assert.equal(effect("accepted", 1, { state, attempt: 2 }).kind, "nothing", state);
  for (const state of ["pending", "uncertain", "failed", "sent"] as const)
    assert.equal(effect("undelivered", 1, { state, attempt: 2 }).kind, "nothing", state);
});
