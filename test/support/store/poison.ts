import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { openStore } from "../../../adapters/store/open-store.ts";
import type { PoisonRecord } from "../../../core/ports/poison-store.ts";
import { hexId, ids, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const QUEUE_BYTES_MAX = 1_048_576;

const samplePoison = (over: Partial<PoisonRecord> = {}): PoisonRecord => ({
  id: `${hexId()}-0/1.1`,
  channel: "sms",
  notificationClass: "critical",
  reason: "$its.workers died",
  bytes: new Uint8Array([0, 255, 36, 0]),
  keptAt: T0,
  ...over,
});

export function describePoison(name: string, test: StoreTest): void {
  describe(`${name}: poison`, () => {
    test("keeps the bytes as they came: none, all values, as many as the queue lets through", async (store) => {
      const contents = [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array(randomBytes(QUEUE_BYTES_MAX))];
      const records = contents.map((bytes, i) => samplePoison({ bytes, keptAt: T0 - i }));
      for (const record of records) await store.poison.keep(record);
      const kept = await store.poison.list(10);
      assert.deepEqual(kept.slice(0, 2), records.slice(0, 2));
      // Compared at once: to print how a mebibyte differs takes a minute.
      assert.ok(kept[2] && isDeepStrictEqual(kept[2], records[2]));
    });

    test("keeps bytes that are part of a larger buffer, without the rest", async (store) => {
      const bytes = Buffer.from("before|kept|after").subarray(7, 11);
      await store.poison.keep(samplePoison({ bytes }));
      assert.deepEqual((await store.poison.list(1))[0]?.bytes, new Uint8Array(Buffer.from("kept")));
    });

    test("lets the first record of an id stay", async (store, url) => {
      await using other = await openStore(url);
      const record = samplePoison();
      await store.poison.keep(record);
      await store.poison.keep({ ...record, reason: "again", bytes: new Uint8Array([1]), keptAt: T0 + 1 });
      assert.deepEqual(await store.poison.list(10), [record]);
      const one = samplePoison();
      await Promise.all([store, other, store, other].map((s) => s.poison.keep(one)));
      assert.equal((await store.poison.list(10)).length, 2);
    });

    test("lists the newest first, up to a limit", async (store) => {
      assert.deepEqual(await store.poison.list(10), []);
      const records = [2, 0, 3, 1].map((age) => samplePoison({ keptAt: T0 - age }));
      for (const record of records) await store.poison.keep(record);
      const [third, first, fourth, second] = records as [PoisonRecord, PoisonRecord, PoisonRecord, PoisonRecord];
      assert.deepEqual(ids(await store.poison.list(10)), ids([first, second, third, fourth]));
      assert.deepEqual(ids(await store.poison.list(2)), ids([first, second]));
      for (const none of [0, -1]) assert.deepEqual(await store.poison.list(none), []);
    });

    test("removes what is older than a moment, the earliest first, up to a limit", async (store) => {
      const records = [0, 1, 2, 3].map((age) => samplePoison({ keptAt: T0 - age }));
      for (const record of records) await store.poison.keep(record);
      for (const none of [0, -1]) assert.equal(await store.poison.purge(T0 + 1, none), 0);
      assert.equal(await store.poison.purge(T0, 2), 2);
      assert.deepEqual(ids(await store.poison.list(10)), ids(records.slice(0, 2)));
      assert.equal(await store.poison.purge(T0, 2), 1);
      assert.equal(await store.poison.purge(T0, 2), 0);
    });
  });
}
