// How long does one page of each search take, in a store with many notifications?
//
//   node bench/search.ts --count 1000000 --calls 200 [--store mongodb://…]
//
// Fills a store with notifications of many users, most of them ended, and asks for the first page of each filter again and again, and for the worst: a page that
// reads as much as a call may and finds nothing. Prints median, p99 and longest, in ms, and the rate at which the store was filled.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endpointId } from "../adapters/ids.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { searchNotifications } from "../adapters/store/search.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import type { SearchFilter } from "../core/delivery/search.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import { percentile } from "./percentile.ts";
import { storedNotification } from "./stored-notification.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Notifications of one write: as many as a gateway inserts at once. */
const TOGETHER = 64;
/** Between two acceptances, in ms. */
const APART_MS = 20;
/** Every so many is still open, is tagged, failed. */
const [OPEN_EVERY, TAGGED_EVERY, FAILED_EVERY] = [5_000, 10, 50];
const LIMIT = 50;

const { values } = parseArgs({
  options: { count: { type: "string", default: "1000000" }, calls: { type: "string", default: "200" }, store: { type: "string" } },
});
const [count, calls] = [Number(values.count), Number(values.calls)];
const users = Math.max(1, Math.floor(count / 100));

using directory = temporaryDirectory();
await using store = await openStore(values.store ?? `sqlite:${join(directory.path, "store.db")}`, { hasWriterThread: true });
const now = Date.now();
const push = { title: "Your order is on its way", body: "It arrives between 10 and 12.", data: {} };
const tokenOf = (n: number): Endpoint => ({ channel: "apns", token: String(n % users).padStart(64, "0") });

/** Of a user in every turn; of every tenth the endpoint is given outright. */
function recordOf(n: number): NotificationRecord {
  const endpoint = tokenOf(n);
  const acceptedAt = now - (count - n) * APART_MS;
  const record = storedNotification(endpoint, { key: String(n), now: acceptedAt, push });
  if (Math.floor(n / users) % 10 !== 0) record.recipient = { kind: "user", userId: `user-${n % users}` };
  if (n % TAGGED_EVERY === 0) record.tags = { order: String(n), shop: String(n % 100) };
  const [delivery] = record.deliveries;
  if (!delivery) throw new Error("one delivery was made");
  if (n % OPEN_EVERY === 0) Object.assign(delivery, { attempt: 2, reason: { code: "unavailable", detail: "http-503" } });
  else if (n % FAILED_EVERY === 0)
    Object.assign(delivery, { state: "failed", reason: { code: "endpoint-gone" }, endedAt: acceptedAt, nextAt: undefined });
  else Object.assign(delivery, { state: "sent", providerRef: `ref-${n}`, endedAt: acceptedAt, nextAt: undefined });
  return record;
}

async function fill(): Promise<void> {
  const began = performance.now();
  for (let from = 0; from < count; from += TOGETHER) {
    const records = Array.from({ length: Math.min(TOGETHER, count - from) }, (_, i) => recordOf(from + i));
    await store.notifications.insert(records);
    await store.attempts.claim(
      records.flatMap((record) => {
        const [d] = record.deliveries;
        if (d?.providerRef === undefined) return [];
        const times = { startedAt: record.acceptedAt, deadlineAt: record.acceptedAt, answeredAt: record.acceptedAt };
        const outcome = { kind: "accepted", providerRef: d.providerRef } as const;
        return [{ id: attemptId(d.id, 1), deliveryId: d.id, number: 1, worker: "bench", provider: "apns", ...times, outcome }];
      }),
    );
  }
  const seconds = (performance.now() - began) / 1_000;
  console.log(`${count} notifications of ${users} users, filled in ${seconds.toFixed(1)} s: ${(count / seconds).toFixed(0)} a second`);
}

const any = () => Math.floor(Math.random() * count);
const FILTERS: Readonly<Record<string, () => SearchFilter>> = {
  "no filter": () => ({}),
  user: () => ({ userId: `user-${any() % users}` }),
  "user and state": () => ({ userId: `user-${any() % users}`, states: ["failed"] }),
  endpoint: () => ({ endpoint: tokenOf(any()) }),
  "idempotency key": () => ({ idempotencyKey: String(any()) }),
  "tag of one": () => ({ tag: `order=${Math.floor(any() / TAGGED_EVERY) * TAGGED_EVERY}` }),
  "tag of many": () => ({ tag: `shop=${(any() % 10) * 10}` }),
  "provider's id": () => ({ providerRef: `ref-${any()}` }),
  "state failed": () => ({ states: ["failed"] }),
  "reason code": () => ({ reasonCode: "endpoint-gone" }),
  "channel and category": () => ({ channels: ["apns"], category: "orders" }),
  "waiting for a retry": () => ({ waitingFor: "retry" }),
  "time range": () => {
    const from = now - any() * APART_MS;
    return { from, before: from + 60_000 };
  },
  "nothing matches": () => ({ category: "none" }),
};

await fill();
for (let n = 0; n < users; n++)
  await store.contacts.register({
    app: "bench",
    userId: `user-${n}`,
    endpointId: endpointId(tokenOf(n)),
    endpoint: tokenOf(n),
    registeredAt: now,
  });
console.log(`${"filter".padEnd(22)}${["found", "median ms", "p99 ms", "longest ms"].map((head) => head.padStart(12)).join("")}`);
for (const [name, filter] of Object.entries(FILTERS)) {
  const took: number[] = [];
  let found = 0;
  for (let call = 0; call < calls; call++) {
    const began = performance.now();
    const page = await searchNotifications(store, { app: "bench", filter: filter(), after: undefined, limit: LIMIT, now });
    took.push(performance.now() - began);
    found += page.notifications.length;
  }
  const figures = [percentile(took, 0.5), percentile(took, 0.99), Math.max(...took)].map((ms) => ms.toFixed(2).padStart(12));
  console.log(`${name.padEnd(22)}${(found / calls).toFixed(1).padStart(12)}${figures.join("")}`);
}
