import assert from "node:assert/strict";
import { describe } from "node:test";
import { runRace } from "./race.ts";
import type { Race } from "./racer.ts";
import { ids, sampleNotification, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describeOutbox(name: string, test: StoreTest): void {
  describe(`${name}: outbox`, () => {
    test("leases what is due, the oldest first, and not what is due later", async (store) => {
      const records = [T0 - 10, T0 - 30, T0, T0 + 1, T0 - 20].map((due) => sampleNotification([due]));
      await store.notifications.insert(records);
      const leased = await store.notifications.leaseDue(T0, T0 + 60_000, 10);
      assert.deepEqual(leased, [records[1], records[4], records[0], records[2]]);
    });

    test("leases no more than the limit, the oldest", async (store) => {
      const records = Array.from({ length: 20 }, (_, i) => sampleNotification([T0 - i]));
      await store.notifications.insert(records);
      const leased = await store.notifications.leaseDue(T0, T0 + 60_000, 5);
      assert.deepEqual(ids(leased), ids(records.slice(-5).reverse()));
    });

    test("does not lease again before the lease ends", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      assert.equal((await store.notifications.leaseDue(T0, T0 + 5_000, 10)).length, 1);
      assert.equal((await store.notifications.leaseDue(T0 + 4_999, T0 + 9_000, 10)).length, 0);
      assert.deepEqual(await store.notifications.leaseDue(T0 + 5_000, T0 + 9_000, 10), [record]);
    });

    test("does not lease what has ended", async (store) => {
      await store.notifications.insert([sampleNotification([undefined]), sampleNotification([undefined, undefined])]);
      assert.deepEqual(await store.notifications.leaseDue(T0 * 2, T0 * 3, 10), []);
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
