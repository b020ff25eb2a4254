import assert from "node:assert/strict";
import { test } from "node:test";
import { type BulkSendFault, type BulkSendResult, bulkSend, CALL_BYTES_MAX, type SendBatch } from "./bulk-send.ts";

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

/** A gateway that answers each item by this function; what it rejects as RESOURCE_EXHAUSTED may be repeated after a second. */
function gateway(answer: (item: number, call: number) => BulkSendFault | undefined) {
  const calls: number[][] = [];
  const sendBatch: SendBatch<number, string> = async (items) => {
    calls.push([...items]);
    const results = items.map((item): BulkSendResult<string> => {
      const error = answer(item, calls.length);
      const retryAfterMs = error?.code === "RESOURCE_EXHAUSTED" ? 1_000 : undefined;
      return error ? { kind: "rejected", error, retryAfterMs } : { kind: "accepted", accepted: `id-${item}` };
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

test("calls are split by bytes as well as by items, and an item above the bound is sent alone", async () => {
  const { calls, sendBatch } = gateway(() => undefined);
  const sizes = [0.4, 0.4, 0.4, 3, 0.1, 0.1].map((part) => part * CALL_BYTES_MAX);
  const options = { batch: 10, bytesOf: (item: number) => sizes[item]!, onResult() {} };
  assert.deepEqual(await bulkSend(sizes.keys(), { sendBatch, clock: sleepClock() }, options), { accepted: 6, rejected: 0 });
  assert.deepEqual(calls, [[0, 1], [2], [3], [4, 5]]);
});

test("a call that the gateway finds too large is halved until it fits, and an item too large by itself is rejected at once", async () => {
  const clock = sleepClock();
  const calls: number[][] = [];
  const sendBatch: SendBatch<number, string> = async (items) => {
    calls.push([...items]);
    if (items.length > 2) return { kind: "failed", error: { ...invalid, reason: "MESSAGE_TOO_LARGE" } };
    // As a proxy answers.
    if (items.includes(4)) return { kind: "failed", error: { ...overloaded, reason: "UNKNOWN" } };
    return { kind: "answered", results: items.map((item) => ({ kind: "accepted", accepted: `id-${item}` })) };
  };
  const rejected: number[] = [];
  const onResult = (item: number, { kind }: BulkSendResult<string>) => void (kind === "rejected" && rejected.push(item));
  assert.deepEqual(await bulkSend([1, 2, 3, 4, 5], { sendBatch, clock }, { batch: 5, onResult }), { accepted: 4, rejected: 1 });
  assert.deepEqual([rejected, clock.slept, calls.filter((c) => c.includes(4)).length], [[4], [], 3]);
});

test("what a limit rejects is sent again after the time it names, for minutes but not for hours", async () => {
  const clock = sleepClock();
  let calls = 0;
  const sendBatch: SendBatch<number, string> = async (items) => {
    calls++;
    const results = items.map((item): BulkSendResult<string> => {
      if (item === 1 && calls > 20) return { kind: "accepted", accepted: "late" };
      return { kind: "rejected", error: overloaded, retryAfterMs: item === 1 ? 10_000 : item === 2 ? 3_600_000 : undefined };
    });
    return { kind: "answered", results };
  };
  assert.deepEqual(await bulkSend([1, 2, 3], { sendBatch, clock }, { batch: 3, onResult() {} }), { accepted: 1, rejected: 2 });
  assert.equal(clock.monotonic(), 20 * 10_000);
  calls = -1_000;
  assert.deepEqual(await bulkSend([1], { sendBatch, clock }, { batch: 3, onResult() {} }), { accepted: 0, rejected: 1 });
});

test("a rate spreads the batches", async () => {
  const clock = sleepClock();
  const { sendBatch } = gateway(() => undefined);
  await bulkSend(Array(40).keys(), { sendBatch, clock }, { batch: 10, rate: 20, onResult() {} });
  assert.equal(clock.monotonic(), 1_500);
});
