import assert from "node:assert/strict";
import { test } from "node:test";
import { LAST_TRY_MS } from "./decide.ts";
import { DEFERRAL_SPREAD_MS, deferredTo } from "./deferral.ts";

const OPEN_AT = Date.UTC(2026, 5, 1, 7);
const FAR = OPEN_AT + 86_400_000;
/** A delivery whose notification's id begins so. */
const delivery = (digits: string, expiresAt = FAR) => ({ deliveryId: `${digits.padEnd(32, "0")}-0`, expiresAt });

test("what waits for one moment is spread over the minutes after it, each always at the same", () => {
  assert.equal(deferredTo(OPEN_AT, delivery("0")), OPEN_AT);
  assert.equal(deferredTo(OPEN_AT, delivery("8")), OPEN_AT + DEFERRAL_SPREAD_MS / 2);
  assert.equal(deferredTo(OPEN_AT, delivery("ffffffff")), OPEN_AT + DEFERRAL_SPREAD_MS - 1);
  assert.equal(deferredTo(OPEN_AT, delivery("8"), 1_000), OPEN_AT + 500);
});

test("deliveries of one notification stay together", () => {
  const { deliveryId, expiresAt } = delivery("abcdef12");
  const other = deliveryId.replace(/0$/, "7");
  assert.equal(deferredTo(OPEN_AT, { deliveryId: other, expiresAt }), deferredTo(OPEN_AT, { deliveryId, expiresAt }));
});

test("the spread leaves time for a try before the expiry", () => {
  const soon = OPEN_AT + LAST_TRY_MS + 1_000;
  assert.equal(deferredTo(OPEN_AT, delivery("8", soon)), OPEN_AT + 500);
  for (const leftMs of [LAST_TRY_MS, 1]) assert.equal(deferredTo(OPEN_AT, delivery("ffffffff", OPEN_AT + leftMs)), OPEN_AT);
});

test("what expires first is not deferred", () => {
  for (const leftMs of [0, -1]) assert.equal(deferredTo(OPEN_AT, delivery("8", OPEN_AT + leftMs)), undefined);
  assert.equal(deferredTo(Number.POSITIVE_INFINITY, delivery("8")), undefined);
});
