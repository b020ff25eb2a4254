import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { type AttemptRecord, attemptId } from "../ports/attempt-store.ts";
import type { Delivery, DeliveryState } from "./notification.ts";
import { type Reason, reasonText } from "./reason.ts";
import { type Receipt, type ReceiptEffect, receiptEffect } from "./receipt.ts";

const NOW = 1_000_000;
const deliveryId = sampleNotification("one", NOW).deliveries[0]!.id;

function effect(
  kind: Receipt["kind"],
  attempt: number,
  delivery: Partial<Delivery>,
  fields: Partial<Receipt> = {},
  known: Partial<AttemptRecord> = {},
): ReceiptEffect {
  const id = attemptId(deliveryId, attempt);
  const times = { startedAt: NOW, deadlineAt: NOW };
  const record: AttemptRecord = { id, deliveryId, number: attempt, worker: "w", provider: "twilio", ...times, ...known };
  const d: Delivery = { ...sampleNotification("one", NOW).deliveries[0]!, ...delivery };
  const receipt = { attemptId: id, provider: "twilio", kind, reason: "30003", at: NOW, ...fields };
  return receiptEffect(receipt, record, sampleNotification("one", NOW), d, { worker: "f", now: NOW });
}

/** Where a delivery at attempt 1 is after a receipt of attempt 1; undefined: where it was. */
const SAME: [DeliveryState, Reason | undefined, Record<Receipt["kind"], DeliveryState | undefined>][] = [
  ["pending", undefined, { accepted: "sent", delivered: "delivered", undelivered: "failed" }],
  ["uncertain", { code: "outcome-unknown", detail: "reset" }, { accepted: "sent", delivered: "delivered", undelivered: "failed" }],
  ["sent", undefined, { accepted: undefined, delivered: "delivered", undelivered: "failed" }],
  ["delivered", undefined, { accepted: undefined, delivered: undefined, undelivered: undefined }],
  ["failed", { code: "outcome-unknown" }, { accepted: "sent", delivered: "delivered", undelivered: "failed" }],
  ["failed", { code: "undelivered", detail: "30003" }, { accepted: undefined, delivered: undefined, undelivered: undefined }],
  ["failed", { code: "rejected", detail: "21211" }, { accepted: undefined, delivered: undefined, undelivered: undefined }],
  ["suppressed", { code: "opted-out" }, { accepted: undefined, delivered: undefined, undelivered: undefined }],
];
for (const [state, reason, after] of SAME) {
  for (const kind of ["accepted", "delivered", "undelivered"] as const) {
    test(`${state}${reason ? ` (${reasonText(reason)})` : ""}, and a receipt ${kind}: ${after[kind] ?? "unchanged"}`, () => {
      const e = effect(kind, 1, { state, reason });
      assert.equal(e.kind, after[kind] ? "change" : "nothing");
      if (e.kind !== "change") return;
      assert.deepEqual(
        [e.transition.change.set.state, e.transition.change.set.nextAt, e.transition.change.expect.attempt],
        [after[kind], undefined, 1],
      );
      assert.ok(e.transition.change.expect.states.includes(state));
      assert.deepEqual(e.transition.change.set.reason, kind === "undelivered" ? { code: "undelivered", detail: "30003" } : undefined);
    });
  }
}

test("a receipt of an attempt that is about to be repeated closes the repetition's number, so that it is not sent", () => {
  const e = effect("delivered", 1, { state: "pending", attempt: 2, policyResend: true });
  assert.ok(e.kind === "void");
  assert.deepEqual([e.attempt.id, e.attempt.outcome?.kind], [attemptId(deliveryId, 2), "void"]);
  assert.deepEqual([e.transition.change.set.state, e.transition.change.expect], ["delivered", { attempt: 2, states: ["pending"] }]);
});

test("a receipt of the first attempt improves the retry's result, and never worsens it", () => {
  for (const state of ["uncertain", "failed", "expired", "suppressed"] as const)
    assert.equal(effect("accepted", 1, { state, attempt: 2 }).kind, "change", state);
  for (const state of ["sent", "delivered"] as const) assert.equal(effect("accepted", 1, { state, attempt: 2 }).kind, "nothing", state);
  for (const state of ["pending", "uncertain", "failed", "sent"] as const)
    assert.equal(effect("undelivered", 1, { state, attempt: 2 }).kind, "nothing", state);
});

test("a delivery whose retry was superseded follows later receipts of the earlier attempt", () => {
  const closed = { state: "sent", attempt: 2, policyResend: true, providerRef: "SM1" } as const;
  const effectOf = (kind: Receipt["kind"], delivery: Partial<Delivery>) => effect(kind, 1, delivery, { providerRef: "SM1" });
  for (const [kind, state] of [
    ["delivered", "delivered"],
    ["undelivered", "failed"],
  ] as const) {
    const e = effectOf(kind, closed);
    assert.ok(e.kind === "change", kind);
    assert.deepEqual([e.transition.change.set.state, e.transition.change.expect], [state, { attempt: 2, states: ["sent"] }]);
  }
  assert.equal(effectOf("accepted", closed).kind, "nothing");
  assert.equal(effectOf("undelivered", { ...closed, providerRef: "SM2" }).kind, "nothing", "the repetition itself was sent");
});

test("a late receipt of an acceptance does not stop an operator's redrive", () => {
  const redriven = { state: "pending", attempt: 2, runStart: 2, redrive: 1 } as const;
  const taken = { outcome: { kind: "accepted", providerRef: "SM1" } } as const;
  assert.equal(effect("accepted", 1, redriven, {}, taken).kind, "nothing");
  assert.equal(effect("delivered", 1, redriven, {}, taken).kind, "void", "it reached the person");
  assert.equal(effect("accepted", 1, redriven).kind, "void", "it was not known before");
});
