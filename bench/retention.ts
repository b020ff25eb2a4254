// What does it cost to remove what is older than its retention while the store takes all that it can?
//
//   node bench/retention.ts --count 1000000 --rounds 12 --slice 10
//
// Fills a store with as many ended notifications, half of them beyond the retention of contents and half beyond that of metadata. Then, in turn, it writes
// notifications, claims and outcomes as fast as the store takes them, alone and beside the removal, and compares the rates.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openStore } from "../adapters/store/open-store.ts";
import { factsOf, sent } from "../core/delivery/transitions.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import type { Store } from "../core/ports/store.ts";
import { startProgram } from "./program.ts";
import type { Removed, RetentionOrder } from "./programs/retention.ts";
import { storedNotification } from "./stored-notification.ts";
import { shown, summaryOf } from "./summary.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const DAY_MS = 86_400_000;
/** Notifications of one write: as many as a gateway inserts at once. */
const TOGETHER = 64;
/** Writers at once: gateways, relays and dispatchers. */
const WRITERS = 4;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "12" },
    slice: { type: "string", default: "10" },
    budget: { type: "string", default: "30" },
    store: { type: "string" },
  },
});
const [count, rounds, sliceMs, budgetMs] = [values.count, values.rounds, `${Number(values.slice) * 1_000}`, values.budget].map(Number) as [
  number,
  number,
  number,
  number,
];

using directory = temporaryDirectory();
const storeUrl = values.store ?? `sqlite:${join(directory.path, "store.db")}`;
await using store = await openStore(storeUrl, { hasWriterThread: true });
await store.apps.change("bench", () => ({ channels: ["apns"], limits: {}, keys: [] }));

let made = 0;
/** Up to TOGETHER notifications that were sent at this moment, with their attempts. */
function batch(size: number, at: (i: number) => number) {
  const push = { title: "Your order is on its way", body: "It arrives between 10 and 12.", data: {} };
  return Array.from({ length: size }, (_, i) => {
    const key = String(made++);
    const endpoint = { channel: "apns", token: key.padStart(64, "0") } as const;
    return storedNotification(endpoint, { key, now: at(i), push });
  });
}

/** Everything that a notification is written on its way. */
async function convey(target: Store, records: ReturnType<typeof batch>): Promise<void> {
  await target.notifications.insert(records);
  const attempts = records.map((record) => {
    const deliveryId = `${record.id}-0`;
    const times = { startedAt: record.acceptedAt, deadlineAt: record.acceptedAt + 10_000 };
    return { id: attemptId(deliveryId, 1), deliveryId, number: 1, worker: record.id, provider: "apns", ...times };
  });
  await target.attempts.claim(attempts);
  const ends = records.map((record, i) => {
    const result = {
      id: attempts[i]!.id,
      worker: record.id,
      outcome: { kind: "accepted", providerRef: record.id },
      answeredAt: record.acceptedAt,
    } as const;
    return { result, change: sent(factsOf(record, record.deliveries[0]!), { providerRef: record.id }, record.acceptedAt).change };
  });
  if (target.settle) return void (await target.settle(ends));
  await target.attempts.record(ends.map(({ result }) => result));
  await target.notifications.change(ends.map(({ change }) => change));
}

async function inParallel(work: () => Promise<boolean>): Promise<void> {
  const writer = async () => {
    while (await work());
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

const now = Date.now();
let left = count;
const began = performance.now();
await inParallel(async () => {
  const size = Math.min(TOGETHER, left);
  left -= size;
  if (size > 0)
    await convey(
      store,
      batch(size, (i) => now - (i % 2 === 0 ? 500 : 100) * DAY_MS),
    );
  return size > 0;
});
console.log(`${count} ended notifications, filled in ${((performance.now() - began) / 1_000).toFixed(1)} s`);

/** Conveyed per second, for one slice. */
async function loadFor(ms: number): Promise<number> {
  const [before, startedAt] = [made, performance.now()];
  await inParallel(async () => {
    await convey(
      store,
      batch(TOGETHER, () => Date.now()),
    );
    return performance.now() - startedAt < ms;
  });
  return ((made - before) * 1_000) / (performance.now() - startedAt);
}

await using retention = startProgram(["bench/programs/retention.ts", storeUrl]);
const removal = (order: RetentionOrder) => retention.ask<Removed>(order, order.ms + 60_000);
// Opens the store, and compiles.
await Promise.all([removal({ ms: 100, budgetMs }), loadFor(1_000)]);

const rates: { alone: number[]; beside: number[] } = { alone: [], beside: [] };
const removed: Removed = { contents: 0, notifications: 0 };
for (let round = 0; round < rounds; round++)
  // Each comes first in half of the rounds.
  for (const side of round % 2 === 0 ? (["alone", "beside"] as const) : (["beside", "alone"] as const)) {
    const removing = side === "beside" ? removal({ ms: sliceMs, budgetMs }) : undefined;
    rates[side].push(await loadFor(sliceMs));
    const these = await removing;
    removed.contents += these?.contents ?? 0;
    removed.notifications += these?.notifications ?? 0;
  }
const costs = summaryOf(rates.beside.map((rate, i) => 100 * (1 - rate / rates.alone[i]!)));
console.log(`conveyed per second: alone ${shown(summaryOf(rates.alone), 0)}, beside the removal ${shown(summaryOf(rates.beside), 0)}`);
console.log(`cost: ${shown(costs, 1)} % (median and range of ${costs.n} rounds)`);
const seconds = (rounds * sliceMs) / 1_000;
console.log(
  `removed per second: ${(removed.contents / seconds).toFixed(0)} contents, ${(removed.notifications / seconds).toFixed(0)} notifications`,
);
