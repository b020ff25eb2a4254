import assert from "node:assert/strict";
import { describe } from "node:test";
import { openStore } from "../../../adapters/store/open-store.ts";
import { PURGE_AGE_MS_MIN } from "../../../core/delivery/lifetime.ts";
import type { NotificationRecord } from "../../../core/delivery/notification.ts";
import type { EndedBefore, Store } from "../../../core/ports/store.ts";
import { allAttempts } from "../everything.ts";
import { byId, ids, sampleAttempt, sampleChange, sampleNotification } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

/** The store's own clock decides what may be purged, so these tests count from it: everything happens long before this moment. */
const BEFORE = Date.now() - PURGE_AGE_MS_MIN - 60_000;
const NOTHING = { notifications: 0, attempts: 0, attributions: 0 };
/** Of the samples. */
const OF = { app: "shop", notificationClass: "transactional" } as const;
const purge = (store: Store, before: number, limit: number) => purgeOf(store, { ...OF, before }, limit);
async function purgeOf(store: Store, ended: EndedBefore, limit: number) {
  const { workMs: _workMs, ...counts } = await store.purge(ended, limit);
  return counts;
}

const end = (endedAt: number) => ({ state: "sent", providerRef: "ref", nextAt: undefined, endedAt }) as const;

/** Notifications with one delivery each, ended at these moments; undefined: open. Each has two attempts. */
async function insertEnded(store: Store, moments: readonly (number | undefined)[]): Promise<NotificationRecord[]> {
  const records = moments.map(() => sampleNotification([BEFORE], { acceptedAt: BEFORE - 1_000_000 }));
  await store.notifications.insert(records);
  await store.notifications.change(records.flatMap((r, i) => (moments[i] === undefined ? [] : [sampleChange(r, 0, end(moments[i]!))])));
  await store.attempts.claim(records.flatMap((r) => [1, 2].map((number) => sampleAttempt({ deliveryId: `${r.id}-0`, number }))));
  return records;
}

const left = async (store: Store, records: readonly NotificationRecord[]) => {
  const found = await Promise.all(records.map(({ id }) => store.notifications.find(id)));
  return found.map((record) => record !== undefined);
};

export function describePurge(name: string, test: StoreTest): void {
  describe(`${name}: purge`, () => {
    test("removes what ended before the moment, with its attempts and attributions, and nothing else", async (store) => {
      const records = await insertEnded(store, [BEFORE - 1, BEFORE, undefined]);
      const [old, recent, open] = records as [NotificationRecord, NotificationRecord, NotificationRecord];
      for (const { id } of records) await store.attempts.attribute("twilio", `SM-${id}`, `${id}-0/1`);
      assert.deepEqual(await purge(store, BEFORE, 10), { notifications: 1, attempts: 2, attributions: 1, oldest: BEFORE - 1 });
      assert.deepEqual(await left(store, records), [false, true, true]);
      assert.deepEqual(ids(await store.notifications.page("", 10)), ids(byId([recent, open])));
      assert.equal((await store.notifications.count()).notifications, 2);
      assert.equal((await allAttempts(store)).length, 4);
      assert.equal(await store.attempts.attribute("twilio", `SM-${old.id}`, "other/1"), true, "the reference is free");
      assert.equal(await store.attempts.attribute("twilio", `SM-${recent.id}`, "other/1"), false);
      assert.deepEqual(await purge(store, BEFORE, 10), NOTHING);
    });

    test("removes the earliest first, up to the limit, until nothing is left", async (store) => {
      const records = await insertEnded(store, [BEFORE - 10, BEFORE - 40, BEFORE - 30, BEFORE - 20, BEFORE - 50]);
      assert.equal((await purge(store, BEFORE, 2)).notifications, 2);
      assert.deepEqual(await left(store, records), [true, false, true, true, false]);
      assert.equal((await purge(store, BEFORE, 2)).notifications, 2);
      assert.deepEqual(await left(store, records), [true, false, false, false, false]);
      for (const none of [0, -1]) assert.deepEqual(await purge(store, BEFORE, none), NOTHING);
      assert.equal((await purge(store, BEFORE, 2)).notifications, 1);
      assert.deepEqual(await allAttempts(store), []);
    });

    test("takes the last end of all deliveries, also where they were inserted as ended", async (store) => {
      const inserted = sampleNotification([undefined, undefined], { acceptedAt: BEFORE - 9 });
      Object.assign(inserted.deliveries[0]!, { endedAt: BEFORE - 5 });
      Object.assign(inserted.deliveries[1]!, { endedAt: BEFORE - 9 });
      const changed = sampleNotification([BEFORE, BEFORE], { acceptedAt: BEFORE - 9 });
      await store.notifications.insert([inserted, changed]);
      await store.notifications.change([sampleChange(changed, 0, end(BEFORE - 1)), sampleChange(changed, 1, end(BEFORE - 3))]);
      const at = async (before: number) => {
        await purge(store, before, 10);
        return left(store, [inserted, changed]);
      };
      assert.deepEqual(await at(BEFORE - 5), [true, true]);
      assert.deepEqual(await at(BEFORE - 4), [false, true]);
      assert.deepEqual(await at(BEFORE - 1), [false, true]);
      assert.deepEqual(await at(BEFORE), [false, false]);
    });

    test("leaves what was redriven, and counts from the new end", async (store) => {
      const records = await insertEnded(store, [BEFORE - 20]);
      const [record] = records;
      const redriven = { state: "pending", attempt: 3, nextAt: BEFORE, endedAt: undefined, providerRef: undefined } as const;
      const redrive = sampleChange(record!, 0, redriven, { states: ["sent"] });
      assert.deepEqual(await store.notifications.change([redrive]), [true]);
      assert.deepEqual(await purge(store, BEFORE, 10), NOTHING);
      assert.deepEqual(await store.notifications.change([sampleChange(record!, 0, end(BEFORE - 5), { attempt: 3 })]), [true]);
      assert.deepEqual(await purge(store, BEFORE - 5, 10), NOTHING);
      assert.equal((await purge(store, BEFORE - 4, 10)).notifications, 1);
    });

    test("frees the id and all numbers of its attempts", async (store) => {
      const [record] = await insertEnded(store, [BEFORE - 1]);
      await purge(store, BEFORE, 10);
      assert.deepEqual(await store.notifications.insert([record!]), [{ kind: "inserted" }]);
      assert.deepEqual(await store.attempts.claim([sampleAttempt({ deliveryId: `${record!.id}-0` })]), [true]);
      assert.equal(await store.notifications.openCount(10), 1);
    });

    test("removes nothing that ended within the shortest age, and says so", async (store) => {
      const records = await insertEnded(store, [BEFORE - 1]);
      const now = await store.time();
      for (const before of [now - PURGE_AGE_MS_MIN + 60_000, now, now + 1, Number.NaN])
        await assert.rejects(purge(store, before, 10), RangeError);
      assert.deepEqual(await left(store, records), [true]);
    });

    test("removes only what is of the app and the class", async (store) => {
      const records = await insertEnded(store, [BEFORE - 1]);
      for (const other of [{ app: "bank" }, { notificationClass: "critical" } as const])
        assert.deepEqual(await purgeOf(store, { ...OF, ...other, before: BEFORE }, 10), NOTHING);
      assert.deepEqual(await left(store, records), [true]);
    });

    test("removes what has its content as well as what has none", async (store) => {
      const records = await insertEnded(store, [BEFORE - 30, BEFORE - 20, BEFORE - 10]);
      assert.equal((await store.deleteContent({ ...OF, before: BEFORE - 25 }, BEFORE, 10)).notifications, 1);
      assert.deepEqual(await purge(store, BEFORE, 2), { notifications: 2, attempts: 4, attributions: 0, oldest: BEFORE - 30 });
      assert.deepEqual(await left(store, records), [false, false, true]);
      assert.equal((await purge(store, BEFORE, 2)).notifications, 1);
    });

    test("may run in several processes at once", async (store, url) => {
      await using other = await openStore(url);
      const records = await insertEnded(
        store,
        Array.from({ length: 120 }, (_, i) => (i % 3 === 0 ? undefined : BEFORE - i - 1)),
      );
      await Promise.all([store, other, store, other].map((s) => purge(s, BEFORE, 50)));
      await purge(store, BEFORE, 120);
      assert.deepEqual(
        await left(store, records),
        records.map((_, i) => i % 3 === 0),
      );
      assert.equal((await allAttempts(store)).length, 80);
    });
  });
}
