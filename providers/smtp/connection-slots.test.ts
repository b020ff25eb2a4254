import assert from "node:assert/strict";
import { test } from "node:test";
import { createConnectionSlots } from "./connection-slots.ts";

test("slots are given in the order of the waits", async () => {
  const slots = createConnectionSlots(1);
  const never = new AbortController().signal;
  const giveBack = await slots.hold(never);
  const order: string[] = [];
  const second = slots.hold(never).then((give) => {
    order.push("second");
    give();
  });
  const third = slots.hold(never).then((give) => {
    order.push("third");
    give();
  });
  giveBack();
  await Promise.all([second, third]);
  assert.deepEqual(order, ["second", "third"]);
});

test("a wait that is given up takes no slot", async () => {
  const slots = createConnectionSlots(1);
  const giveBack = await slots.hold(new AbortController().signal);
  const leaving = new AbortController();
  const left = slots.hold(leaving.signal);
  leaving.abort();
  await assert.rejects(left, { name: "AbortError" });
  giveBack();
  (await slots.hold(AbortSignal.timeout(1_000)))();
});
