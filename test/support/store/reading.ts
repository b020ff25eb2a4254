import assert from "node:assert/strict";
import { describe } from "node:test";
import { allNotifications } from "../everything.ts";
import { byId, hexId, ids, sampleAttempt, sampleNotification, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describeReading(name: string, test: StoreTest): void {
  describe(`${name}: reading everything`, () => {
    test("gives notifications in pages, in the order of their ids, fewer only at the end", async (store) => {
      const records = byId(Array.from({ length: 7 }, () => sampleNotification([T0, undefined])));
      await store.notifications.insert(records.toReversed());
      assert.deepEqual(await store.notifications.page("", 3), records.slice(0, 3));
      assert.deepEqual(await store.notifications.page(records[2]!.id, 3), records.slice(3, 6));
      assert.deepEqual(await store.notifications.page(records[5]!.id, 3), records.slice(6));
      assert.deepEqual(await store.notifications.page(records[6]!.id, 3), []);
      assert.deepEqual(await store.notifications.page("", 7), records);
      for (const none of [0, -1]) assert.deepEqual(await store.notifications.page("", none), []);
    });

    test("gives every notification once that was there before, whatever is inserted meanwhile", async (store) => {
      const before = Array.from({ length: 60 }, () => sampleNotification());
      await store.notifications.insert(before);
      const seen: string[] = [];
      for (;;) {
        const page = await store.notifications.page(seen.at(-1) ?? "", 7);
        if (page.length === 0) break;
        seen.push(...ids(page));
        assert.ok(seen.length < 1_000, "it comes to an end");
        await store.notifications.insert(Array.from({ length: 3 }, () => sampleNotification()));
      }
      assert.equal(new Set(seen).size, seen.length);
      assert.deepEqual(seen, seen.toSorted());
      assert.deepEqual(
        ids(before).filter((id) => !seen.includes(id)),
        [],
      );
    });

    test("reads more than a page's worth", async (store) => {
      const records = Array.from({ length: 1_200 }, () => sampleNotification());
      await store.notifications.insert(records);
      assert.deepEqual(ids(await allNotifications(store)), ids(byId(records)));
    });

    test("gives every attempt of a range of notifications, both ends included, and no other", async (store) => {
      const prefix = hexId().slice(0, 31);
      const attemptsOf = (digit: string) => [
        sampleAttempt({ deliveryId: `${prefix}${digit}-0` }),
        sampleAttempt({ deliveryId: `${prefix}${digit}-0`, number: 12 }),
        sampleAttempt({ deliveryId: `${prefix}${digit}-10`, number: 2 }),
      ];
      const [below, first, middle, last, above] = ["0", "1", "7", "a", "b"].map(attemptsOf) as [[], [], [], [], []];
      await store.attempts.claim([...above, ...last, ...below, ...middle, ...first]);
      const between = (a: string, b: string) => store.attempts.between(`${prefix}${a}`, `${prefix}${b}`);
      assert.deepEqual(byId(await between("1", "a")), byId([...first, ...middle, ...last]));
      assert.deepEqual(byId(await between("7", "7")), byId(middle));
      assert.deepEqual(await between("2", "6"), []);
      assert.deepEqual(await between("a", "1"), []);
    });
  });
}
