import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppRecord } from "../core/apps/app.ts";
import { createApiKey } from "../operations/apps/api-key.ts";
import { sha256Hex } from "../runtime/hash.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMemoryStore } from "../test/simulation/memory-store.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { createApiKeys, FIRST_READING_MS, KEY_CACHE_MS_MAX, LOOKUP_MS_MAX, NEW_LOOKUPS_PER_SECOND } from "./api-keys.ts";

/** Within this time after its change a revocation holds, in ms; what docs/security.md promises. */
const REVOKED_WITHIN_MS = 5_000;
const CACHE_MS = 2_000;
const SETTINGS = { channels: ["sms" as const], limits: {} };

/** A gateway's view of a store in which lookups are counted, and may be held up. */
async function startWorld({ cacheMs = CACHE_MS } = {}) {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const lines: string[] = [];
  const log = createLogger("gateway", "info", { write: (line) => void lines.push(line) });
  const { key, record } = createApiKey({ now: clock.now() });
  await store.apps.change("shop", () => ({ ...SETTINGS, keys: [record] }));
  const world = { lookups: 0, hold: undefined as Promise<unknown> | undefined, holdList: undefined as Promise<unknown> | undefined };
  const apps = {
    async *list() {
      await world.holdList;
      yield* store.apps.list();
    },
    async findByKeyHash(hash: string): Promise<AppRecord | undefined> {
      world.lookups++;
      const app = await store.apps.findByKeyHash(hash);
      await world.hold;
      return app;
    },
  };
  const keys = createApiKeys({ apps, cacheMs, clock, log });
  const revoke = () => store.apps.change("shop", (app) => ({ ...app!, keys: app!.keys.map((k) => ({ ...k, revokedAt: clock.now() })) }));
  return { clock, store, keys, key, record, lines, world, revoke };
}
const unknownKey = () => createApiKey().key;

test("a valid key gives its app and its id, and is read once while the reading is recent", async () => {
  const { keys, key, record, world, store, clock } = await startWorld();
  const caller = { ...(await store.apps.find("shop")), keyId: record.id };
  for (let i = 0; i < 3; i++) assert.deepEqual(await keys.find(key), { kind: "valid", caller });
  assert.equal(world.lookups, 1);
  clock.advance(CACHE_MS);
  await Promise.all([keys.find(key), keys.find(key)]);
  assert.equal(world.lookups, 2, "calls that arrive together share a lookup");
});

test("an app's logo is not kept with its keys", async () => {
  const { keys, key, store } = await startWorld();
  await store.apps.change("shop", (app) => ({ ...app!, brand: { names: { en: "Shop" } } }));
  const verdict = await keys.find(key);
  assert.equal(verdict.kind === "valid" && "brand" in verdict.caller, false);
  assert.notEqual((await store.apps.find("shop"))?.brand, undefined);
});

test("a key without an id, of an earlier version, is valid as before", async () => {
  const { keys, store } = await startWorld();
  const old = `ck_${"A-_z".repeat(10)}123`;
  await store.apps.change("old", () => ({ ...SETTINGS, keys: [{ id: "0f0f0f0f", hash: sha256Hex(old) }] }));
  const verdict = await keys.find(old);
  assert.equal(verdict.kind === "valid" && verdict.caller.keyId, "0f0f0f0f");
});

test("no call that begins after the cache's time is admitted by a revoked key, however late the store answers", async () => {
  assert.ok(KEY_CACHE_MS_MAX + LOOKUP_MS_MAX <= REVOKED_WITHIN_MS);
  const { keys, key, record, world, clock, revoke } = await startWorld({ cacheMs: KEY_CACHE_MS_MAX });
  await keys.find(key);
  clock.advance(KEY_CACHE_MS_MAX);
  // This lookup reads what was there before the revocation, and answers after it.
  const { promise, resolve } = Promise.withResolvers<void>();
  world.hold = promise;
  const slow = keys.find(key);
  await new Promise(setImmediate);
  await revoke();
  clock.advance(LOOKUP_MS_MAX - 1);
  world.hold = undefined;
  resolve();
  assert.equal((await slow).kind, "valid");
  clock.advance(KEY_CACHE_MS_MAX - (LOOKUP_MS_MAX - 1));
  assert.deepEqual(await keys.find(key), { kind: "rejected", why: "revoked", keyId: record.id });
});

test("changed limits are seen after the cache's time", async () => {
  const { keys, key, store, clock } = await startWorld();
  await keys.find(key);
  await store.apps.change("shop", (app) => ({ ...app!, limits: { openMax: 3 } }));
  clock.advance(CACHE_MS);
  const verdict = await keys.find(key);
  assert.deepEqual(verdict.kind === "valid" && verdict.caller.limits, { openMax: 3 });
});

test("a key expires at its moment, also while it is cached", async () => {
  const { keys, store, clock } = await startWorld();
  const { key, record } = createApiKey({ now: clock.now(), expiresAt: clock.now() + 500 });
  await store.apps.change("shop", (app) => ({ ...app!, keys: [...app!.keys, record] }));
  assert.equal((await keys.find(key)).kind, "valid");
  clock.advance(499);
  assert.equal((await keys.find(key)).kind, "valid");
  clock.advance(1);
  assert.deepEqual(await keys.find(key), { kind: "rejected", why: "expired", keyId: record.id });
});

test("a key in use that expires soon is logged as a warning", async () => {
  const { keys, store, clock, lines } = await startWorld();
  for (const days of [8, 7]) {
    const { key, record } = createApiKey({ now: clock.now(), expiresAt: clock.now() + days * 86_400_000 });
    await store.apps.change("shop", (app) => ({ ...app!, keys: [...app!.keys, record] }));
    await keys.find(key);
  }
  const printed = lines.map((line) => JSON.parse(line) as Record<string, string>);
  assert.deepEqual(
    printed.map(({ level, msg, expiresAt }) => [level, msg, expiresAt]),
    [
      ["info", "API key in use", "2026-01-13T12:00:00.000Z"],
      ["warn", "an API key in use expires soon", "2026-01-12T12:00:00.000Z"],
    ],
  );
});

test("what no version issued is rejected without asking the store", async () => {
  const { keys, key, world } = await startWorld();
  for (const text of ["", "k", "ck_", "secret", key.slice(0, -1), `${key}x`, key.toUpperCase(), "ck_".repeat(60)])
    assert.deepEqual(await keys.find(text), { kind: "rejected", why: "malformed" }, JSON.stringify(text));
  assert.equal(world.lookups, 0);
});

test("a wrong key that is repeated is asked for once in the cache's time", async () => {
  const { keys, world, clock } = await startWorld();
  const key = unknownKey();
  for (let i = 0; i < 50; i++) assert.equal((await keys.find(key)).kind, "rejected");
  assert.equal(world.lookups, 1);
  clock.advance(CACHE_MS);
  await keys.find(key);
  assert.equal(world.lookups, 2);
});

test("a flood of wrong keys costs the store a bounded rate, and every key it holds stays usable, also in a gateway that just started", async () => {
  const { keys, key, world, clock, store } = await startWorld();
  const stop = new AbortController();
  const running = keys.run(stop.signal);
  await new Promise(setImmediate);
  const seconds = 5;
  for (let second = 0; second < seconds; second++) {
    for (let i = 0; i < 1_000; i++) await keys.find(unknownKey());
    clock.advance(1_000);
  }
  assert.ok(world.lookups <= NEW_LOOKUPS_PER_SECOND * (seconds + 1), `${world.lookups} lookups`);
  while ((await keys.find(unknownKey())).kind !== "unavailable");
  assert.deepEqual(await keys.find(unknownKey()), { kind: "unavailable", why: "too-many-new-keys", retryAfterMs: 1_000 });
  assert.equal((await keys.find(key)).kind, "valid", "never used before, and known all the same");
  const added = createApiKey();
  await store.apps.change("shop", (app) => ({ ...app!, keys: [...app!.keys, added.record] }));
  clock.advance(1_000);
  assert.equal((await keys.find(added.key)).kind, "valid", "a key made since then waits for its share of the lookups");
  stop.abort();
  await running;
});

test("a gateway that starts waits until it has read all keys, and reads again soon after a failure", async () => {
  const { keys, key, world, clock } = await startWorld();
  const stop = new AbortController();
  world.holdList = Promise.reject(new Error("no store"));
  const running = keys.run(stop.signal);
  let ready = false;
  const waiting = keys.whenRead().then(() => (ready = true));
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  assert.equal(ready, false);
  world.holdList = undefined;
  clock.advance(1_000);
  await waiting;
  while ((await keys.find(unknownKey())).kind !== "unavailable");
  assert.equal((await keys.find(key)).kind, "valid");
  stop.abort();
  await running;
});

test("a gateway that cannot read all keys serves after a time", async () => {
  const { keys, key, world, clock } = await startWorld();
  const stop = new AbortController();
  const held = Promise.withResolvers<void>();
  world.holdList = held.promise;
  const running = keys.run(stop.signal);
  const waiting = keys.whenRead();
  clock.advance(FIRST_READING_MS);
  await waiting;
  assert.equal((await keys.find(key)).kind, "valid");
  stop.abort();
  held.resolve();
  await running;
});

test("while the store cannot be read or is slow, the answer says so and nothing is remembered", async () => {
  const { keys, key, world, clock } = await startWorld();
  world.hold = Promise.reject(new Error("no store"));
  assert.deepEqual(await keys.find(key), { kind: "unavailable", why: "store", retryAfterMs: 1_000 });
  world.hold = new Promise(() => {});
  const slow = keys.find(key);
  await new Promise(setImmediate);
  clock.advance(LOOKUP_MS_MAX);
  assert.deepEqual(await slow, { kind: "unavailable", why: "store", retryAfterMs: 1_000 });
  world.hold = undefined;
  assert.equal((await keys.find(key)).kind, "valid");
});

test("the log says once which key is in use, by its id, and warns of one that was revoked; never a key or its hash", async () => {
  const { keys, key, record, clock, lines, revoke } = await startWorld();
  for (let i = 0; i < 3; i++) await keys.find(key);
  await revoke();
  clock.advance(CACHE_MS);
  for (let i = 0; i < 3; i++) await keys.find(key);
  await keys.find(unknownKey());
  const printed = lines.map((line) => JSON.parse(line) as Record<string, string>);
  assert.deepEqual(
    printed.map(({ level, app, keyId, msg }) => ({ level, app, keyId, msg })),
    [
      { level: "info", app: "shop", keyId: record.id, msg: "API key in use" },
      { level: "warn", app: "shop", keyId: record.id, msg: "a call with an API key that was revoked" },
    ],
  );
  const secret = key.slice(`ck_${record.id}_`.length);
  assert.doesNotMatch(lines.join(""), new RegExp(`${secret}|${record.hash}`));
});
