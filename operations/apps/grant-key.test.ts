import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import { grantApiKey } from "./grant-key.ts";

test("a new app gets every channel and a key that finds it; the key itself is not stored", async () => {
  await using store = await openStore("sqlite::memory:");
  const { key, created } = await grantApiKey(store.apps, { id: "shop" });
  assert.equal(created, true);
  const found = await store.apps.findByKeyHash(sha256Hex(key));
  assert.deepEqual(found, { id: "shop", channels: [...CHANNELS], keyHashes: [sha256Hex(key)] });
});

test("another key leaves the earlier one valid and keeps the channels, unless new ones are given", async () => {
  await using store = await openStore("sqlite::memory:");
  const first = await grantApiKey(store.apps, { id: "shop", channels: ["sms"] });
  const second = await grantApiKey(store.apps, { id: "shop" });
  assert.deepEqual([second.created, second.app.channels], [false, ["sms"]]);
  for (const { key } of [first, second]) assert.equal((await store.apps.findByKeyHash(sha256Hex(key)))?.id, "shop");
  await grantApiKey(store.apps, { id: "shop", channels: ["email"] });
  assert.deepEqual((await store.apps.find("shop"))?.channels, ["email"]);
});

test("an id that breaks the rule is rejected, and nothing is stored", async () => {
  await using store = await openStore("sqlite::memory:");
  for (const id of ["", "-a", "Shop", "a_b", "a".repeat(64)]) {
    await assert.rejects(grantApiKey(store.apps, { id }), /id: must be/);
    assert.equal(await store.apps.find(id), undefined);
  }
});
