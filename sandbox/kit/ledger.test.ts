import assert from "node:assert/strict";
import { test } from "node:test";
import { createLedger, LEDGER_ENTRIES_MAX, type LedgerEntry } from "./ledger.ts";

const entry = (change: Partial<LedgerEntry> = {}): LedgerEntry => ({
  provider: "apns",
  deliveryId: "d-0",
  attemptId: "d-0/1",
  recipient: "r",
  accepted: true,
  answer: "200",
  receivedAt: 1_000,
  payload: {},
  headers: {},
  ...change,
});

test("entries are found by delivery, provider, moment and acceptance", () => {
  const ledger = createLedger(["apns", "fcm", "vonage"]);
  ledger.add(entry());
  ledger.add(entry({ provider: "fcm", deliveryId: "e-0", receivedAt: 2_000 }));
  ledger.add(entry({ provider: "fcm", accepted: false, receivedAt: 3_000 }));
  const moments = (filter: Parameters<typeof ledger.entries>[0]) => ledger.entries(filter).map((e) => e.receivedAt);
  assert.deepEqual(moments({}), [1_000, 2_000, 3_000]);
  assert.deepEqual(moments({ deliveryId: "d-0" }), [1_000, 3_000]);
  assert.deepEqual(moments({ provider: "fcm" }), [2_000, 3_000]);
  assert.deepEqual(moments({ since: 2_000 }), [2_000, 3_000]);
  assert.deepEqual(moments({ accepted: false }), [3_000]);
});

test("a delivery accepted twice is a duplicate, one rejected and then accepted is not", () => {
  const ledger = createLedger(["apns", "fcm", "vonage"]);
  ledger.add(entry({ accepted: false }));
  ledger.add(entry());
  assert.deepEqual(ledger.summary().duplicates, {});
  ledger.add(entry({ provider: "fcm" }));
  const { duplicates, deliveries, providers } = ledger.summary();
  assert.deepEqual([duplicates, deliveries], [{ "d-0": 2 }, 1]);
  assert.deepEqual(
    [providers.apns, providers.fcm],
    [
      { accepted: 1, rejected: 1 },
      { accepted: 1, rejected: 0 },
    ],
  );
  ledger.clear();
  assert.equal(ledger.summary().deliveries, 0);
});

test("old entries are dropped and still counted", () => {
  const ledger = createLedger(["apns", "fcm", "vonage"]);
  const total = Math.ceil(LEDGER_ENTRIES_MAX * 1.2);
  for (let n = 0; n < total; n += 1) ledger.add(entry({ deliveryId: `d-${n}`, receivedAt: n }));
  const { forgotten, deliveries, providers } = ledger.summary();
  const kept = ledger.entries();
  assert.equal(kept.length + forgotten, total);
  assert.ok(kept.length <= LEDGER_ENTRIES_MAX * 1.1);
  assert.equal(kept.at(-1)?.receivedAt, total - 1);
  assert.deepEqual([deliveries, providers.apns?.accepted], [total, total]);
});

test("arrived() resolves once enough entries match, and rejects after its deadline", async () => {
  const ledger = createLedger(["apns", "fcm", "vonage"]);
  const two = ledger.arrived({ provider: "apns" }, 2);
  ledger.add(entry());
  ledger.add(entry({ provider: "fcm" }));
  ledger.add(entry({ attemptId: "d-0/2" }));
  assert.deepEqual(
    (await two).map((e) => e.attemptId),
    ["d-0/1", "d-0/2"],
  );
  await assert.rejects(ledger.arrived({ provider: "vonage" }, 1, 1), /0 of 1 entries arrived within 1 ms/);
});

test("keeps entries of a bounded number of bytes, and still counts the others", () => {
  const ledger = createLedger(["apns"]);
  const told: string[] = [];
  const unwatch = ledger.watch(({ deliveryId }) => told.push(deliveryId));
  for (const n of [0, 1, 2, 3]) ledger.add(entry({ deliveryId: `d-${n}`, bytes: 200 * 1_048_576 }));
  assert.deepEqual(
    ledger.entries().map(({ deliveryId }) => deliveryId),
    ["d-2", "d-3"],
  );
  assert.deepEqual([ledger.summary().forgotten, ledger.summary().deliveries], [2, 4]);
  ledger.add(entry({ deliveryId: "d-4", bytes: 2_000 * 1_048_576 }));
  assert.deepEqual(
    ledger.entries().map(({ deliveryId }) => deliveryId),
    ["d-4"],
    "the newest stays, however long it is",
  );
  unwatch();
  ledger.add(entry({ deliveryId: "d-5" }));
  assert.deepEqual(told, ["d-0", "d-1", "d-2", "d-3", "d-4"]);
});
