import assert from "node:assert/strict";
import { test } from "node:test";
import { type BulkSendFault, type BulkSendResult, bulkSend, type SendBatch } from "./bulk-send.ts";

const overloaded: BulkSendFault = { code: "RESOURCE_EXHAUSTED", reason: "OVERLOADED", message: "too much" };
const invalid: BulkSendFault = { code: "INVALID_ARGUMENT", reason: "INVALID_FIELD", message: "category: must match" };

/** Time passes only during a sleep. */
function sleepClock() {
  let now = 0;
  const slept: number[] = [];
  return {
    slept,
    monotonic: () => now,
    async sleep(ms: number) {
      slept.push(ms);
      now += ms;
    },
  };
}

/** A gateway that answers each item by this function. */
function gateway(answer: (item: number, call: number) => BulkSendFault | undefined) {
  const calls: number[][] = [];
  const sendBatch: SendBatch<number, string> = async (items) => {
    calls.push([...items]);
    const results = items.map((item): BulkSendResult<string> => {
      const error = answer(item, calls.length);
      return error ? { kind: "rejected", error } : { kind: "accepted", accepted: `id-${item}` };
    });
    return { kind: "answered", results };
  };
  return { calls, sendBatch };
}

test("every item has one result, in batches of the given size", async () => {
  const { calls, sendBatch } = gateway((item) => (item === 3 ? invalid : undefined));
  const results = new Map<number, string>();
  const counts = await bulkSend(
    [1, 2, 3, 4, 5],
    { sendBatch, clock: sleepClock() },
    {
      batch: 2,
      onResult: (item, result) => results.set(item, result.kind === "accepted" ? result.accepted : result.error.code),
    },
  );
  assert.deepEqual(counts, { accepted: 4, rejected: 1 });
  assert.deepEqual(calls, [[1, 2], [3, 4], [5]]);
  assert.deepEqual([...results].sort(), [
    [1, "id-1"],
    [2, "id-2"],
    [3, "INVALID_ARGUMENT"],
    [4, "id-4"],
    [5, "id-5"],
  ]);
});

test("what an overloaded gateway did not accept is sent again, and nothing else", async () => {
  const { calls, sendBatch } = gateway((item, call) => (item === 2 && call < 3 ? overloaded : undefined));
  const counts = await bulkSend([1, 2, 3], { sendBatch, clock: sleepClock() }, { batch: 10, onResult() {} });
  assert.deepEqual(counts, { accepted: 3, rejected: 0 });
  assert.deepEqual(calls, [[1, 2, 3], [2], [2]]);
});

test("a call that failed is repeated after the time the gateway asks for, and given up after eight attempts", async () => {
  const clock = sleepClock();
  let calls = 0;
  const sendBatch: SendBatch<number, string> = async () => {
    calls++;
    return { kind: "failed", error: { ...overloaded, code: "DEADLINE_EXCEEDED" }, retryAfterMs: 2_500 };
  };
  const errors: string[] = [];
  const onResult = (_: number, result: BulkSendResult<string>) => void errors.push(result.kind === "rejected" ? result.error.code : "");
  assert.deepEqual(await bulkSend([1, 2], { sendBatch, clock }, { batch: 2, onResult }), { accepted: 0, rejected: 2 });
  assert.equal(calls, 8);
  assert.deepEqual(clock.slept, [2_500, 2_500, 2_500, 2_500, 2_500, 3_000, 3_500]);
  assert.deepEqual(errors, ["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"]);
});

test("a rate spreads the batches", async () => {
  const clock = sleepClock();
  const { sendBatch } = gateway(() => undefined);
  await bulkSend(Array(40).keys(), { sendBatch, clock }, { batch: 10, rate: 20, onResult() {} });
  assert.equal(clock.monotonic(), 1_500);
});
