import assert from "node:assert/strict";
import { describe } from "node:test";
import { openStore } from "../../../adapters/store/open-store.ts";
import { T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describeLease(name: string, test: StoreTest): void {
  describe(`${name}: leases of work`, () => {
    test("give a work to one holder until its time is over, and each work by itself", async (store) => {
      assert.equal(await store.lease("purge", "a", T0, T0 + 10), true);
      assert.equal(await store.lease("purge", "b", T0 + 9, T0 + 19), false);
      assert.equal(await store.lease("other", "b", T0 + 9, T0 + 19), true);
      assert.equal(await store.lease("purge", "b", T0 + 10, T0 + 20), true);
      assert.equal(await store.lease("purge", "a", T0 + 11, T0 + 21), false);
    });

    test("are renewed, and given back, by their holder", async (store) => {
      assert.equal(await store.lease("purge", "a", T0, T0 + 10), true);
      assert.equal(await store.lease("purge", "a", T0 + 5, T0 + 15), true);
      assert.equal(await store.lease("purge", "b", T0 + 12, T0 + 22), false);
      assert.equal(await store.lease("purge", "a", T0 + 12, T0 + 12), true);
      assert.equal(await store.lease("purge", "b", T0 + 12, T0 + 22), true);
    });

    test("go to one of many that ask at once", async (store, url) => {
      await using other = await openStore(url);
      for (let round = 0; round < 5; round++) {
        const now = T0 + round * 10;
        const got = await Promise.all([store, other, store, other].map((s, i) => s.lease("purge", `${round}-${i}`, now, now + 10)));
        assert.equal(got.filter(Boolean).length, 1);
      }
    });
  });
}
