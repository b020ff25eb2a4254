import assert from "node:assert/strict";
import { describe } from "node:test";
import { CHANNELS, type Channel, CLASSES, type NotificationClass } from "../../../core/delivery/channel.ts";
import { dueAt, type NotificationRecord, OPEN_STATES } from "../../../core/delivery/notification.ts";
import { outboxPlace } from "../../../core/delivery/outbox-key.ts";
import type { DeliveryChange } from "../../../core/ports/notification-store.ts";
import { seededRandom } from "../../simulation/random.ts";
import { leaseDue } from "../lease-due.ts";
import { runRace } from "./race.ts";
import type { Race } from "./racer.ts";
import { hexId, ids, sampleChange, sampleNotification, sent, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

/** A store may lease the oldest of a part of all ids. */
const inOnePart = () => ({ id: `7${hexId().slice(1)}` });

function withChannels(nextAts: readonly number[], channels: readonly Channel[]): NotificationRecord {
  const record = sampleNotification(nextAts);
  for (const [i, channel] of channels.entries()) record.deliveries[i]!.channel = channel;
  return record;
}

export function describeOutbox(name: string, test: StoreTest): void {
  describe(`${name}: outbox`, () => {
    test("leases what is due, the oldest first, and not what is due later", async (store) => {
      const records = [T0 - 10, T0 - 30, T0, T0 + 1, T0 - 20].map((due) => sampleNotification([due], inOnePart()));
      await store.notifications.insert(records);
      const leased = await leaseDue(store.notifications, T0, T0 + 60_000, 10);
      assert.deepEqual(leased, [records[1], records[4], records[0], records[2]]);
    });

    test("leases no more than the limit, the oldest", async (store) => {
      const records = Array.from({ length: 20 }, (_, i) => sampleNotification([T0 - i], inOnePart()));
      await store.notifications.insert(records);
      const leased = await leaseDue(store.notifications, T0, T0 + 60_000, 5);
      assert.deepEqual(ids(leased), ids(records.slice(-5).reverse()));
    });

    test("does not lease again before the lease ends", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      assert.equal((await leaseDue(store.notifications, T0, T0 + 5_000, 10)).length, 1);
      assert.equal((await leaseDue(store.notifications, T0 + 4_999, T0 + 9_000, 10)).length, 0);
      assert.deepEqual(await leaseDue(store.notifications, T0 + 5_000, T0 + 9_000, 10), [record]);
    });

    test("does not lease what has ended", async (store) => {
      await store.notifications.insert([sampleNotification([undefined]), sampleNotification([undefined, undefined])]);
      assert.deepEqual(await leaseDue(store.notifications, T0 * 2, T0 * 3, 10), []);
    });

    test("has each open notification under its class, and under its queue as well while its next task is unpublished", async (store) => {
      const keyOf = async (record: NotificationRecord) => {
        const keys = await store.notifications.dueKeys(T0 * 2);
        if (keys[0] === undefined) return undefined;
        assert.deepEqual(ids(await store.notifications.leaseDue(T0 * 2, T0, [{ key: keys[0], limit: 100 }])), [record.id]);
        return keys.join();
      };
      const record = sampleNotification([T0 + 10, T0]);
      await store.notifications.insert([record]);
      const change = (index: number, set: DeliveryChange["set"]) => store.notifications.change([sampleChange(record, index, set)]);
      assert.equal(await keyOf(record), "transactional.sms.shop");
      await change(1, { publishCount: 1, nextAt: T0 + 5 });
      assert.equal(await keyOf(record), "transactional", "the watchdog's turn");
      await change(1, { nextAt: T0 + 20 });
      assert.equal(await keyOf(record), "transactional.sms.shop", "the other delivery is first");
      await change(0, { state: "uncertain", nextAt: T0 + 10 });
      assert.equal(await keyOf(record), "transactional");
      await store.notifications.change([sampleChange(record, 0, sent("ref"), { states: ["uncertain"] })]);
      await change(1, { publishCount: 0 });
      assert.equal(await keyOf(record), "transactional.sms.shop");
      await change(1, { publishCount: 3, publishedAt: T0 });
      assert.equal(await keyOf(record), "transactional");
      await change(1, { publishedAt: 0 });
      assert.equal(await keyOf(record), "transactional.sms.shop", "handed back by a dispatcher");
      await change(1, sent("ref"));
      assert.equal(await keyOf(record), undefined);
    });

    test("names every key under which something is due, and leases under each no more than asked for", async (store) => {
      const apps = ["a", "b-c", "d"];
      const of = (app: string, due: number, notificationClass: NotificationClass) =>
        sampleNotification([due], { app, notificationClass, ...inOnePart() });
      const records = apps.flatMap((app) => CLASSES.flatMap((c) => [of(app, T0, c), of(app, T0 - 1, c), of(app, T0 + 1, c)]));
      await store.notifications.insert([...records, of("later", T0 + 1, "critical"), sampleNotification([undefined], { app: "ended" })]);
      const keys = await store.notifications.dueKeys(T0);
      assert.deepEqual(keys, CLASSES.flatMap((c) => apps.map((app) => `${c}.sms.${app}`)).sort());
      assert.deepEqual(await store.notifications.dueUnder("critical.sms.b-c", T0, 10), { oldest: T0 - 1, count: 2 });
      assert.deepEqual(await store.notifications.dueUnder("critical.sms.b-c", T0, 1), { oldest: T0 - 1, count: 1 });
      assert.deepEqual(await store.notifications.dueUnder("critical.sms.later", T0, 1), { oldest: undefined, count: 0 });
      const takes = [
        { key: "marketing.sms.d", limit: 1 },
        { key: "critical.sms.a", limit: 5 },
        { key: "critical.sms.b-c", limit: 0 },
      ];
      const leased = await store.notifications.leaseDue(T0, T0 + 60_000, takes);
      assert.deepEqual(
        leased.map((n) => [n.app, n.notificationClass, n.deliveries[0]!.nextAt]),
        [
          ["d", "marketing", T0 - 1],
          ["a", "critical", T0 - 1],
          ["a", "critical", T0],
        ],
      );
    });

    test("leases what has expired under any key of its class, and only what is due", async (store) => {
      const of = (due: number, expiresAt: number, notificationClass: NotificationClass = "critical") =>
        sampleNotification([due], { expiresAt, notificationClass });
      const expired = [of(T0 - 5, T0 - 1), of(T0, T0)];
      const other = of(T0, T0, "marketing");
      const ended = sampleNotification([undefined], { expiresAt: T0 - 1, notificationClass: "critical" });
      await store.notifications.insert([...expired, other, of(T0 - 5, T0 + 1), of(T0 + 1, T0 - 1), ended]);
      const lease = (later: NotificationClass, limit: number) => store.notifications.leaseDue(T0, T0 + 60_000, [{ later, limit }]);
      assert.deepEqual(await lease("critical", 0), []);
      assert.deepEqual(ids([...(await lease("critical", 1)), ...(await lease("critical", 10))]), ids(expired));
      assert.deepEqual(await lease("critical", 10), []);
      assert.deepEqual(ids(await lease("marketing", 10)), [other.id]);
    });

    test("leases a notification of which one delivery waits for room as soon as another is due", async (store) => {
      const record = withChannels([T0, T0 + 30_000], ["email", "sms"]);
      record.deliveries[1]!.publishCount = 1;
      await store.notifications.insert([record]);
      const lease = async (now: number) => ids(await store.notifications.leaseDue(now, T0, [{ later: "transactional", limit: 10 }]));
      assert.deepEqual(await store.notifications.dueKeys(T0), ["transactional.email.shop"]);
      assert.deepEqual([await lease(T0 + 29_999), await lease(T0 + 30_000)], [[], [record.id]], "the watchdog");
      await store.notifications.change([sampleChange(record, 1, { attempt: 2, publishCount: 0, nextAt: T0 + 3_000 })]);
      assert.deepEqual([await lease(T0 + 2_999), await lease(T0 + 3_000)], [[], [record.id]], "a retry");
      const of2 = { attempt: 2 };
      await store.notifications.change([sampleChange(record, 1, { state: "uncertain", nextAt: T0 + 1_000 }, of2)]);
      assert.deepEqual([await lease(T0 + 999), await lease(T0 + 1_000)], [[], [record.id]], "a status query");
      await store.notifications.change([
        sampleChange(record, 1, { state: "pending", nextAt: T0 + 1_000 }, { ...of2, states: ["uncertain"] }),
      ]);
      assert.deepEqual(await store.notifications.dueKeys(T0), ["transactional.sms+email.shop"], "it waits for room as well");
      assert.deepEqual([await lease(record.expiresAt - 1), await lease(record.expiresAt)], [[], [record.id]]);
    });

    test("has each notification where the domain puts it, whatever changes", async (store) => {
      const one = seededRandom(7).pick;
      const moment = () => T0 + one([0, 1, 1_999, 2_000, 2_001, 30_000, 90_000_000]);
      const field = (): DeliveryChange["set"] =>
        one([
          { publishCount: one([0, 1, 2]) },
          { publishedAt: one([0, undefined, T0]) },
          { state: one(OPEN_STATES), nextAt: moment() },
          { nextAt: moment() },
          { expiresAt: one([undefined, T0 + 95_000_000]) },
          one([sent("r"), { nextAt: moment() }]),
        ]);
      for (let round = 0; round < 12; round++) {
        const record = withChannels([moment(), moment(), moment()], [one(CHANNELS), one(CHANNELS), one(CHANNELS)]);
        const notificationClass = one(CLASSES);
        await store.notifications.insert([{ ...record, notificationClass }]);
        for (let step = 0; step < 8; step++) {
          const now = (await store.notifications.find(record.id))!;
          const [place, due] = [outboxPlace(now), dueAt(now.deliveries)];
          if (!place || due === undefined) break;
          assert.deepEqual(await store.notifications.dueKeys(due), [place.key], JSON.stringify(now.deliveries));
          const lease = async (at: number) => ids(await store.notifications.leaseDue(at, due, [{ later: notificationClass, limit: 10 }]));
          const later = Math.max(place.laterDue, due);
          assert.deepEqual(
            [later > due ? await lease(later - 1) : [], await lease(later)],
            [[], [record.id]],
            JSON.stringify(now.deliveries),
          );
          await store.notifications.change([sampleChange(record, one([0, 1, 2]), field(), { states: OPEN_STATES })]);
        }
        const left = [0, 1, 2].map((i) => sampleChange(record, i, sent("r"), { states: OPEN_STATES }));
        await store.notifications.change(left);
        assert.deepEqual(await store.notifications.dueKeys(T0 * 2), []);
      }
    });

    test("leases every due notification to exactly one of several processes", async (store, url) => {
      const records = Array.from({ length: 300 }, (_, i) => sampleNotification([T0 - i]));
      await store.notifications.insert(records);
      const race: Race = { kind: "lease", limit: 25, until: T0 + 60_000 };
      const leased = (await runRace(url, [race, race, race])).flat();
      assert.deepEqual(leased.sort(), ids(records).sort());
    });
  });
}
