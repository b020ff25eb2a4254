import assert from "node:assert/strict";
import { describe } from "node:test";
import { endpointId, notificationId } from "../../../adapters/ids.ts";
import { type SearchQuery, searchNotifications } from "../../../adapters/store/search.ts";
import { CLASSES } from "../../../core/delivery/channel.ts";
import { type Endpoint, endpointKey } from "../../../core/delivery/endpoint.ts";
import { DAY_MS } from "../../../core/delivery/lifetime.ts";
import { type Delivery, END_STATES, isOpen, type NotificationRecord } from "../../../core/delivery/notification.ts";
import { REASON_CODES } from "../../../core/delivery/reason.ts";
import type { SearchFilter } from "../../../core/delivery/search.ts";
import { WAITS, waitingFor } from "../../../core/delivery/waiting.ts";
import type { Place } from "../../../core/ports/notification-store.ts";
import type { Store } from "../../../core/ports/store.ts";
import { seededRandom } from "../../simulation/random.ts";
import { ids, sampleAttempt, sampleContact, sampleNotification, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const NOW = T0 + 500;
const COUNT = 300;
const USERS = ["ada", "bob", "chen"];
const ENDPOINTS: readonly Endpoint[] = [
  { channel: "sms", phoneNumber: "+4915112345678" },
  { channel: "email", address: "ada@example.com" },
  { channel: "apns", token: "ab".repeat(32) },
  { channel: "fcm", token: "token-of-bob" },
];
const REASONS = [
  undefined,
  ...REASON_CODES.filter((code) => ["unavailable", "quiet-hours", "cap", "paused", "misconfigured", "rejected"].includes(code)),
];

/** Random notifications of two apps, in every state, to users and to endpoints outright; and attempts that sent some of them. */
function randomRecords(seed: number): NotificationRecord[] {
  const random = seededRandom(seed);
  return Array.from({ length: COUNT }, () => {
    const record = sampleNotification([], {
      app: random.chance(0.9) ? "shop" : "bank",
      acceptedAt: T0 + random.below(100),
      sendAt: T0 + random.pick([0, 1_000]),
      category: random.pick(["orders", "news"]),
      notificationClass: random.pick(CLASSES),
      recipient: random.chance(0.7) ? { kind: "user", userId: random.pick(USERS) } : { kind: "endpoint", endpoint: random.pick(ENDPOINTS) },
      ...(random.chance(0.5) && { tags: { order: random.pick(["4711", "4712", ""]), ...(random.chance(0.3) && { shop: "a=b" }) } }),
    });
    const { recipient } = record;
    record.deliveries = Array.from({ length: 1 + random.below(3) }, (_, i): Delivery => {
      const endpoint = recipient.kind === "endpoint" ? recipient.endpoint : random.pick(ENDPOINTS);
      const state = random.pick(["pending", "pending", "uncertain", ...END_STATES] as const);
      const code = random.pick(REASONS);
      return {
        ...{ id: `${record.id}-${i}`, channel: endpoint.channel, endpoint, state, attempt: 1, publishCount: 0 },
        ...(code && { reason: { code } }),
        ...(isOpen(state) ? { nextAt: T0 + random.below(50) } : { endedAt: T0 + 300 }),
      };
    });
    return record;
  });
}

const refOf = ({ id }: Delivery) => `ref-${id.slice(0, 1)}`;

/** The filter in words of its own. */
function naive(records: readonly NotificationRecord[], f: SearchFilter): NotificationRecord[] {
  const isDelivery = (n: NotificationRecord) => (d: Delivery) =>
    (!f.endpoint || endpointKey(d.endpoint!) === endpointKey(f.endpoint)) &&
    (!f.states || f.states.includes(d.state)) &&
    (!f.channels || f.channels.includes(d.channel)) &&
    (!f.reasonCode || d.reason?.code === f.reasonCode) &&
    (!f.waitingFor || waitingFor(n, d, NOW) === f.waitingFor) &&
    (!f.providerRef || (d.state === "sent" && refOf(d) === f.providerRef));
  const holds = (n: NotificationRecord) =>
    n.app === "shop" &&
    (!f.userId || (n.recipient.kind === "user" && n.recipient.userId === f.userId)) &&
    (!f.category || n.category === f.category) &&
    (!f.notificationClass || n.notificationClass === f.notificationClass) &&
    (!f.idempotencyKey || n.idempotencyKey === f.idempotencyKey) &&
    (!f.tag || Object.entries(n.tags ?? {}).some(([key, value]) => `${key}=${value}` === f.tag)) &&
    (f.from === undefined || n.acceptedAt >= f.from) &&
    (f.before === undefined || n.acceptedAt < f.before) &&
    n.deliveries.some(isDelivery(n));
  return records.filter(holds).sort((a, b) => b.acceptedAt - a.acceptedAt || (a.id > b.id ? -1 : 1));
}

/** All pages, each of `limit`. */
async function searchAll(store: Store, filter: SearchFilter, limit: number): Promise<NotificationRecord[]> {
  const found: NotificationRecord[] = [];
  let after: Place | undefined;
  do {
    const query: SearchQuery = { app: "shop", filter, after, limit, now: NOW };
    const page = await searchNotifications(store, query);
    assert.ok(page.notifications.length <= limit);
    found.push(...page.notifications);
    after = page.next;
  } while (after !== undefined);
  return found;
}

const FILTERS: readonly SearchFilter[] = [
  {},
  ...USERS.map((userId) => ({ userId })),
  { userId: "nobody" },
  ...ENDPOINTS.map((endpoint) => ({ endpoint })),
  ...[...END_STATES, "pending", "uncertain"].map((state) => ({ states: [state as Delivery["state"]] })),
  { states: ["pending", "uncertain"] },
  { states: ["failed", "pending"] },
  ...ENDPOINTS.map(({ channel }) => ({ channels: [channel] })),
  { category: "news" },
  ...CLASSES.map((notificationClass) => ({ notificationClass })),
  { reasonCode: "unavailable" },
  ...WAITS.map((wait) => ({ waitingFor: wait })),
  ...["order=4711", "order=", "shop=a=b", "order=1", "order"].map((tag) => ({ tag })),
  ...Array.from({ length: 16 }, (_, digit) => ({ providerRef: `ref-${digit.toString(16)}` })),
  { from: T0 + 30, before: T0 + 60 },
  { userId: "ada", from: T0 + 30, before: T0 + 60, channels: ["sms"] },
  { tag: "order=4711", before: T0 + 60, states: ["failed"] },
  { tag: "order=4711", userId: "bob" },
  { endpoint: ENDPOINTS[1]!, from: T0 + 10, states: ["pending"], category: "orders" },
  { endpoint: ENDPOINTS[3]!, userId: "bob" },
  { waitingFor: "retry", channels: ["email"], userId: "chen" },
];

export function describeSearching(name: string, test: StoreTest): void {
  describe(`${name}: searching`, () => {
    test("finds by every filter, in pages of any size, what a plain filter finds", async (store) => {
      const records = randomRecords(7);
      await store.notifications.insert(records);
      const sentOnes = records.flatMap((n) => n.deliveries.filter(({ state }) => state === "sent"));
      await store.attempts.claim(
        sentOnes.map((d, i) =>
          sampleAttempt({
            deliveryId: d.id,
            provider: ["twilio", "apns", "smtp"][i % 3]!,
            outcome: { kind: "accepted", providerRef: refOf(d) },
          }),
        ),
      );
      // Each user has each endpoint, so that whatever was sent to one is found by it.
      for (const userId of USERS)
        for (const endpoint of ENDPOINTS.filter(({ channel }) => channel === "sms" || channel === "email"))
          await store.contacts.register(sampleContact({ userId, endpoint, endpointId: endpointId(endpoint) }));
      const owned = (filter: SearchFilter) =>
        !filter.endpoint || filter.userId !== undefined || filter.endpoint.channel === "sms" || filter.endpoint.channel === "email";
      for (const filter of FILTERS) {
        // What was sent to a device is found under its user alone, or where it was given outright.
        const all = owned(filter) ? records : records.filter(({ recipient }) => recipient.kind === "endpoint");
        const expected = ids(naive(all, filter));
        for (const limit of [1_000, 7])
          assert.deepEqual(ids(await searchAll(store, filter, limit)), expected, JSON.stringify({ filter, limit }));
      }
    });

    test("finds by idempotency key, and by the reference of any provider, known by an answer or by a receipt", async (store) => {
      const key = "order/4711";
      const [one, two] = [sampleNotification([T0], { id: notificationId("shop", key), idempotencyKey: key }), sampleNotification([T0])];
      const foreign = sampleNotification([T0], { app: "bank" });
      await store.notifications.insert([one, two, foreign]);
      const outcome = { kind: "accepted", providerRef: "SM1/a" } as const;
      const attempts = [one, two, foreign].map(({ id }, i) =>
        sampleAttempt({ deliveryId: `${id}-0`, provider: ["apns", "twilio", "fcm"][i]! }),
      );
      await store.attempts.claim(attempts);
      await store.attempts.record([{ id: attempts[0]!.id, worker: undefined, outcome, answeredAt: T0 }]);
      await store.attempts.record([{ id: attempts[2]!.id, worker: undefined, outcome, answeredAt: T0 }]);
      await store.attempts.resolve([{ id: attempts[1]!.id, resolution: { outcome, by: "receipt", at: T0 } }]);
      assert.deepEqual(ids(await searchAll(store, { idempotencyKey: key }, 5)), [one.id]);
      assert.deepEqual(await searchAll(store, { idempotencyKey: key, userId: "somebody" }, 5), []);
      assert.deepEqual(await searchAll(store, { idempotencyKey: "order/4712" }, 5), []);
      assert.deepEqual(ids(await searchAll(store, { providerRef: "SM1/a" }, 1)).sort(), ids([one, two]).sort());
      for (const providerRef of ["SM1", "SM1/", "a", "SM1/b"]) assert.deepEqual(await searchAll(store, { providerRef }, 5), []);
      assert.deepEqual(await store.attempts.withReference("SM1/a", 0), []);
    });

    test("reads no more than it may, and goes on behind what it read", async (store) => {
      const records = Array.from({ length: 1_500 }, (_, i) =>
        sampleNotification([undefined], { acceptedAt: T0 + i, category: i === 0 ? "rare" : "orders" }),
      );
      for (let at = 0; at < records.length; at += 100) await store.notifications.insert(records.slice(at, at + 100));
      let read = 0;
      const notifications: Store["notifications"] = {
        ...store.notifications,
        async search(...given) {
          const found = await store.notifications.search(...given);
          read += found.length;
          return found;
        },
      };
      const query: SearchQuery = { app: "shop", filter: { category: "rare" }, after: undefined, limit: 10, now: NOW };
      const first = await searchNotifications({ ...store, notifications }, query);
      assert.deepEqual([first.notifications, read], [[], 1_000]);
      const second = await searchNotifications({ ...store, notifications }, { ...query, after: first.next });
      assert.deepEqual([ids(second.notifications), read, second.next], [[records[0]!.id], 1_500, undefined]);
    });

    test("a page of notifications with many deliveries holds fewer of them", async (store) => {
      const records = Array.from({ length: 25 }, (_, i) =>
        sampleNotification(Array<number>(100).fill(T0), { acceptedAt: T0 + i, tags: { a: "b" } }),
      );
      await store.notifications.insert(records);
      for (const filter of [{}, { tag: "a=b" }, { states: ["pending"] }] satisfies SearchFilter[]) {
        const query: SearchQuery = { app: "shop", filter, after: undefined, limit: 200, now: NOW };
        const { notifications, next } = await searchNotifications(store, query);
        assert.equal(notifications.length, 20);
        assert.equal((await searchNotifications(store, { ...query, after: next })).notifications.length, 5);
      }
    });

    test("finds nothing of another app, nothing that was purged, and no tag of who was erased", async (store) => {
      const of = (tag: string, over: Partial<NotificationRecord> = {}) =>
        sampleNotification([undefined], { tags: { about: tag }, acceptedAt: T0 - 900 * DAY_MS, ...over });
      const [kept, erased] = [of("kept"), of("erased")];
      const purged = of("purged");
      for (const n of [kept, erased, purged]) n.deliveries[0]!.endedAt = T0 - 900 * DAY_MS;
      await store.notifications.insert([purged]);
      const before = Date.now() - 400 * DAY_MS;
      assert.equal((await store.purge({ app: "shop", notificationClass: "transactional", before }, 10)).notifications, 1);
      await store.notifications.insert([kept, erased]);
      assert.equal((await store.erase([erased.id], NOW)).notifications, 1);
      const found = async (tag: string, app = "shop") => {
        const { notifications } = await searchNotifications(store, { app, filter: { tag }, after: undefined, limit: 10, now: NOW });
        return ids(notifications);
      };
      assert.deepEqual(await found("about=kept"), [kept.id]);
      for (const tag of ["about=erased", "about=purged"]) assert.deepEqual(await found(tag), []);
      assert.deepEqual(await found("about=kept", "bank"), []);
    });
  });
}
