import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { parseApiKey } from "../../core/apps/api-key.ts";
import { APP_KEYS_MAX } from "../../core/apps/app.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import { grantApiKey } from "./grant-key.ts";

const NOW = 1_800_000_000_000;

test("a new app gets every channel and a key that finds it; the key itself is not stored", async () => {
  await using store = await openStore("sqlite::memory:");
  const { key, keyId, created } = await grantApiKey(store.apps, { id: "shop", now: NOW });
  assert.equal(created, true);
  assert.deepEqual(parseApiKey(key), { id: keyId });
  const keys = [{ id: keyId, hash: sha256Hex(key), createdAt: NOW }];
  assert.deepEqual(await store.apps.findByKeyHash(sha256Hex(key)), {
    ...{ id: "shop", channels: [...CHANNELS], limits: {}, keys, version: 1 },
  });
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

test("an app has a bounded number of keys: those no longer valid make room, and without any the grant is rejected", async () => {
  await using store = await openStore("sqlite::memory:");
  const ids: string[] = [];
  for (let i = 0; i < APP_KEYS_MAX; i++) {
    const expiresAt = i === 3 ? NOW + 1 : undefined;
    ids.push((await grantApiKey(store.apps, { id: "shop", now: NOW, expiresAt })).keyId);
  }
  await assert.rejects(grantApiKey(store.apps, { id: "shop", now: NOW }), /app shop has 50 valid API keys.*revoke some/);
  const { keyId, app } = await grantApiKey(store.apps, { id: "shop", now: NOW + 1 });
  assert.deepEqual(
    app.keys.map(({ id }) => id),
    [...ids.filter((id) => id !== ids[3]), keyId],
  );
});
