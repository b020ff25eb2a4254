import assert from "node:assert/strict";
import { test } from "node:test";
import { replacementMark } from "./replacement-mark.ts";

const DELIVERY = { app: "shop", deliveryId: `${"0".repeat(32)}-0` };

test("without a collapse key the mark is the delivery, whichever attempt it is", () => {
  assert.equal(replacementMark(DELIVERY), DELIVERY.deliveryId);
  assert.equal(replacementMark({ ...DELIVERY, collapseKey: "" }), DELIVERY.deliveryId);
});

test("a collapse key replaces within its app alone", () => {
  const mark = (app: string, collapseKey: string, deliveryId = DELIVERY.deliveryId) => replacementMark({ app, collapseKey, deliveryId });
  assert.equal(mark("shop", "order-7"), "shop/order-7");
  assert.equal(mark("shop", "order-7", `${"1".repeat(32)}-0`), "shop/order-7", "another delivery with the same key replaces it");
  assert.notEqual(mark("shop", "order-7"), mark("bank", "order-7"));
  assert.notEqual(mark("a/b", "c"), mark("a", "b/c"));
  assert.notEqual(mark("shop", DELIVERY.deliveryId), DELIVERY.deliveryId, "a key cannot name another delivery");
});

test("a mark that is no header of 64 bytes is replaced by its hash", () => {
  for (const collapseKey of ["x".repeat(60), "Bestellung für 7", "a\r\nb", "a b"])
    assert.match(replacementMark({ ...DELIVERY, collapseKey }), /^[0-9a-f]{64}$/);
  assert.equal(replacementMark({ ...DELIVERY, collapseKey: "x".repeat(59) }), `shop/${"x".repeat(59)}`);
  assert.notEqual(
    replacementMark({ ...DELIVERY, collapseKey: "x".repeat(60) }),
    replacementMark({ ...DELIVERY, collapseKey: "x".repeat(61) }),
  );
});
