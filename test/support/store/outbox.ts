import assert from "node:assert/strict";
import { describe } from "node:test";
import { runRace } from "./race.ts";
import type { Race } from "./racer.ts";
import { ids, sampleNotification, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describeOutbox(name: string, test: StoreTest): void {
  describe(`${name}: outbox`, () => {
    test("takes what is due, the oldest first, and not what is due later", async (store) => {
      const dues = [T0 - 10, T0 - 30, T0, T0 + 1, T0 - 20];
      const records = dues.map((due, i) => sampleNotification([due], { lane: i }));
      await store.notifications.insert(records);
      const taken = await store.notifications.leaseDue([0, 1, 2, 3, 4], T0, T0 + 60_000, 10);
      assert.deepEqual(taken, [records[1], records[4], records[0], records[2]]);
    });

    test("takes no more than the limit, the oldest of all lanes", async (store) => {
      const records = Array.from({ length: 20 }, (_, i) => sampleNotification([T0 - i], { lane: i % 4 }));
      await store.notifications.insert(records);
      const taken = await store.notifications.leaseDue([0, 1, 2, 3], T0, T0 + 60_000, 5);
      assert.deepEqual(ids(taken), ids(records.slice(-5).reverse()));
    });

    test("takes only from the lanes asked for", async (store) => {
      const records = [1, 2, 3].map((lane) => sampleNotification([T0], { lane }));
      await store.notifications.insert(records);
      assert.deepEqual(ids(await store.notifications.leaseDue([1, 3], T0, T0 + 1, 10)).sort(), ids([records[0]!, records[2]!]).sort());
      assert.deepEqual(ids(await store.notifications.leaseDue([2], T0, T0 + 1, 10)), ids([records[1]!]));
    });

    test("does not take again before the moment it was put off to", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      assert.equal((await store.notifications.leaseDue([7], T0, T0 + 5_000, 10)).length, 1);
      assert.equal((await store.notifications.leaseDue([7], T0 + 4_999, T0 + 9_000, 10)).length, 0);
      assert.deepEqual(await store.notifications.leaseDue([7], T0 + 5_000, T0 + 9_000, 10), [record]);
    });

    test("does not take what has ended", async (store) => {
      await store.notifications.insert([sampleNotification([undefined]), sampleNotification([undefined, undefined])]);
      assert.deepEqual(await store.notifications.leaseDue([7], T0 * 2, T0 * 3, 10), []);
    });

    test("gives every due notification to exactly one of several processes", async (store, url) => {
      const records = Array.from({ length: 300 }, (_, i) => sampleNotification([T0 - i], { lane: i % 3 }));
      await store.notifications.insert(records);
      const race: Race = { kind: "take", lanes: [0, 1, 2], limit: 25, until: T0 + 60_000 };
      const taken = (await runRace(url, [race, race, race])).flat();
      assert.equal(taken.length, 300);
      assert.deepEqual(taken.sort(), ids(records).sort());
    });
  });
}
