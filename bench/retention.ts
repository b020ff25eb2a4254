// What does it cost to remove what is older than its retention while the store takes all that it can?
//
//   node bench/retention.ts --count 1000000 --rounds 50 --slice 5
//
// Fills a store with as many ended notifications, half of them beyond the retention of contents and half beyond that of metadata. Then, in turn, it writes
// notifications, claims and outcomes as fast as the store takes them, alone and beside the removal, and compares the rates of the two slices of each round. It
// ends within RUN_MS_MAX, with fewer rounds where the machine is slow, and says so.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openStore } from "../adapters/store/open-store.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import { factsOf, sent } from "../core/delivery/transitions.ts";
import { type AttemptRecord, attemptId } from "../core/ports/attempt-store.ts";
import type { Store } from "../core/ports/store.ts";
import { startProgram } from "./program.ts";
import type { Removed, RetentionOrder } from "./programs/retention.ts";
import { storedNotification } from "./stored-notification.ts";
import { shown, summaryOf } from "./summary.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const DAY_MS = 86_400_000;
/** Notifications of one write: as many as a gateway inserts at once. */
const TOGETHER = 64;
/** Notifications of one write of the fill: rows are written at the pace of SQLite's B-trees, and transactions cost little beside them. */
const FILL_TOGETHER = 1_000;
/** Longest run, in ms. No round begins that would end later. */
const RUN_MS_MAX = 720_000;
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
/** Notifications that were accepted at these moments. */
function batch(size: number, at: (i: number) => number): NotificationRecord[] {
  const push = { title: "Your order is on its way", body: "It arrives between 10 and 12.", data: {} };
  return Array.from({ length: size }, (_, i) => {
    const key = String(made++);
    const endpoint = { channel: "apns", token: key.padStart(64, "0") } as const;
    return storedNotification(endpoint, { key, now: at(i), push });
  });
}

const attemptOf = ({ id, acceptedAt }: NotificationRecord): AttemptRecord => {
  const deliveryId = `${id}-0`;
  const times = { startedAt: acceptedAt, deadlineAt: acceptedAt + 10_000 };
  return { id: attemptId(deliveryId, 1), deliveryId, number: 1, worker: id, provider: "apns", ...times };
};

/** As they are once they have been sent, in two writes. */
async function storeEnded(records: readonly NotificationRecord[]): Promise<void> {
  const ended = records.map((record) => {
    const { nextAt: _nextAt, ...delivery } = record.deliveries[0]!;
    const end = { state: "sent", publishCount: 1, providerRef: record.id, endedAt: record.acceptedAt } as const;
    return { ...record, deliveries: [{ ...delivery, ...end }] };
  });
  await store.notifications.insert(ended);
  const attempts = records.map((record) => {
    const outcome = { kind: "accepted", providerRef: record.id } as const;
    return { ...attemptOf(record), outcome, answeredAt: record.acceptedAt };
  });
  await store.attempts.claim(attempts);
}

/** Everything that a notification is written on its way. */
async function convey(target: Store, records: readonly NotificationRecord[]): Promise<void> {
  await target.notifications.insert(records);
  const attempts = records.map(attemptOf);
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
  const size = Math.min(FILL_TOGETHER, left);
  left -= size;
  if (size > 0) await storeEnded(batch(size, (i) => now - (i % 2 === 0 ? 500 : 100) * DAY_MS));
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
/** Of the longest round, in ms. */
let roundMs = 2 * sliceMs;
for (let round = 0; round < rounds; round++) {
  const roundBegan = performance.now();
  if (roundBegan - began + roundMs > RUN_MS_MAX) {
    console.log(`stopped after ${round} of ${rounds} rounds: a run takes at most ${RUN_MS_MAX / 60_000} min`);
    break;
  }
  // Each comes first in half of the rounds.
  for (const side of round % 2 === 0 ? (["alone", "beside"] as const) : (["beside", "alone"] as const)) {
    const removing = side === "beside" ? removal({ ms: sliceMs, budgetMs }) : undefined;
    rates[side].push(await loadFor(sliceMs));
    const these = await removing;
    if (these && these.contents + these.notifications === 0)
      throw new Error(`nothing was left to be removed in round ${round + 1}: --count must be larger`);
    removed.contents += these?.contents ?? 0;
    removed.notifications += these?.notifications ?? 0;
  }
  roundMs = Math.max(roundMs, performance.now() - roundBegan);
}
const costs = summaryOf(rates.beside.map((rate, i) => 100 * (1 - rate / rates.alone[i]!)));
console.log(`conveyed per second: alone ${shown(summaryOf(rates.alone), 0)}, beside the removal ${shown(summaryOf(rates.beside), 0)}`);
console.log(`cost: ${shown(costs, 1)} % (median and range of ${costs.n} rounds)`);
const seconds = (costs.n * sliceMs) / 1_000;
console.log(
  `removed per second: ${(removed.contents / seconds).toFixed(0)} contents, ${(removed.notifications / seconds).toFixed(0)} notifications`,
);
console.log(`the whole run took ${((performance.now() - began) / 1_000).toFixed(0)} s`);
