import assert from "node:assert/strict";
import { test } from "node:test";
import { createReceipts, type SentReceipt } from "./receipts.ts";

const receipt = (attemptId: string): SentReceipt => ({ attemptId, kind: "delivered", at: 1, taken: true });

test("remembers the receipts of an attempt in their order, of a bounded number of attempts", () => {
  const receipts = createReceipts();
  receipts.add({ ...receipt("d-0/1"), kind: "accepted" });
  receipts.add(receipt("d-0/1"));
  assert.deepEqual(
    receipts.of("d-0/1").map(({ kind }) => kind),
    ["accepted", "delivered"],
  );
  for (let n = 0; n < 100; n++) receipts.add(receipt("many"));
  assert.equal(receipts.of("many").length, 20);
  for (let n = 0; n < 10_000; n++) receipts.add(receipt(`e-${n}/1`));
  assert.deepEqual(receipts.of("d-0/1"), []);
  assert.equal(receipts.of("e-9999/1").length, 1);
});
