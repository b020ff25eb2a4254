import assert from "node:assert/strict";
import { describe } from "node:test";
import { CLASSES, type NotificationClass } from "../../../core/delivery/channel.ts";
import type { NotificationRecord } from "../../../core/delivery/notification.ts";
import type { DeliveryChange } from "../../../core/ports/notification-store.ts";
import { leaseDue } from "../lease-due.ts";
import { runRace } from "./race.ts";
import type { Race } from "./racer.ts";
import { ids, sampleChange, sampleNotification, sent, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describeOutbox(name: string, test: StoreTest): void {
  describe(`${name}: outbox`, () => {
    test("leases what is due, the oldest first, and not what is due later", async (store) => {
      const records = [T0 - 10, T0 - 30, T0, T0 + 1, T0 - 20].map((due) => sampleNotification([due]));
      await store.notifications.insert(records);
      const leased = await leaseDue(store.notifications, T0, T0 + 60_000, 10);
      assert.deepEqual(leased, [records[1], records[4], records[0], records[2]]);
    });

    test("leases no more than the limit, the oldest", async (store) => {
      const records = Array.from({ length: 20 }, (_, i) => sampleNotification([T0 - i]));
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
      const of = (app: string, due: number, notificationClass: NotificationClass) => sampleNotification([due], { app, notificationClass });
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

    test("leases what has expired under any key, and only what is due", async (store) => {
      const of = (due: number, expiresAt: number) => sampleNotification([due], { expiresAt });
      const expired = [of(T0 - 5, T0 - 1), of(T0, T0)];
      await store.notifications.insert([
        ...expired,
        of(T0 - 5, T0 + 1),
        of(T0 + 1, T0 - 1),
        sampleNotification([undefined], { expiresAt: T0 - 1 }),
      ]);
      const leased = await store.notifications.leaseDue(T0, T0 + 60_000, [{ expired: true, limit: 10 }]);
      assert.deepEqual(ids(leased).sort(), ids(expired).sort());
      assert.deepEqual(await store.notifications.leaseDue(T0, T0 + 60_000, [{ expired: true, limit: 10 }]), []);
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
