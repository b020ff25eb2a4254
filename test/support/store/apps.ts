import assert from "node:assert/strict";
import { describe } from "node:test";
import type { StoreTest } from "./store-test.ts";

export function describeApps(name: string, test: StoreTest): void {
  describe(`${name}: apps`, () => {
    test("finds an app by its id and by each of its keys", async (store) => {
      const app = { id: "shop", channels: ["sms" as const], keyHashes: ["k1", "k2"] };
      await store.apps.put(app);
      assert.deepEqual(await store.apps.find("shop"), app);
      assert.deepEqual(await store.apps.findByKeyHash("k1"), app);
      assert.deepEqual(await store.apps.findByKeyHash("k2"), app);
      assert.equal(await store.apps.find("bank"), undefined);
      assert.equal(await store.apps.findByKeyHash("k3"), undefined);
    });

    test("forgets the keys an app no longer has", async (store) => {
      await store.apps.put({ id: "shop", channels: ["sms"], keyHashes: ["k1", "k2"] });
      const replaced = { id: "shop", channels: ["email" as const], keyHashes: ["k2", "k3"] };
      await store.apps.put(replaced);
      await store.apps.put(replaced);
      assert.equal(await store.apps.findByKeyHash("k1"), undefined);
      assert.deepEqual(await store.apps.findByKeyHash("k3"), replaced);
      assert.deepEqual(await store.apps.find("shop"), replaced);
    });
  });
}
