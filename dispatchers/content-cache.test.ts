import assert from "node:assert/strict";
import { test } from "node:test";
import type { Content } from "../core/content/content.ts";
import { createContentCache } from "./content-cache.ts";

const contentOf = (hash: string): Content => ({ sms: { text: hash.repeat(10) } });
const BYTES = Buffer.byteLength(JSON.stringify(contentOf("a")));

/** A store that has every content, and records what was read. */
function setUp(limits: { bytesMax?: number; itemsMax?: number } = {}) {
  const read: string[] = [];
  const store = {
    async get(app: string, hash: string) {
      read.push(`${app} ${hash}`);
      return hash === "absent" ? undefined : contentOf(hash);
    },
  };
  return { read, cache: createContentCache(store, { bytesMax: 1_000, itemsMax: 1_000, ...limits }) };
}

test("reads a content once, and of each app its own", async () => {
  const { read, cache } = setUp();
  for (let i = 0; i < 3; i++) assert.deepEqual(await cache.get("shop", "a"), contentOf("a"));
  await cache.get("other", "a");
  assert.deepEqual(read, ["shop a", "other a"]);
});

test("shares a read that is under way", async () => {
  const { read, cache } = setUp();
  const all = await Promise.all([1, 2, 3].map(() => cache.get("shop", "a")));
  assert.deepEqual(
    all,
    [1, 2, 3].map(() => contentOf("a")),
  );
  assert.equal(read.length, 1);
});

test("reads again where a read that was under way before found nothing, once for all that waited for it", async () => {
  const answers = [Promise.withResolvers<Content | undefined>(), Promise.withResolvers<Content | undefined>()];
  let reads = 0;
  const cache = createContentCache({ get: () => answers[reads++]!.promise });
  const first = cache.get("shop", "a");
  const later = [cache.get("shop", "a"), cache.get("shop", "a")];
  // The content is written now, after the first read saw the store.
  answers[0]!.resolve(undefined);
  assert.equal(await first, undefined);
  answers[1]!.resolve(contentOf("a"));
  assert.deepEqual(await Promise.all(later), [contentOf("a"), contentOf("a")]);
  assert.equal(reads, 2);
});

test("keeps to its limit of items, and evicts the least recently used", async () => {
  const { read, cache } = setUp({ itemsMax: 2 });
  for (const hash of ["a", "b", "a", "c", "a", "b"]) await cache.get("shop", hash);
  assert.deepEqual(read, ["shop a", "shop b", "shop c", "shop b"]);
});

test("keeps to its limit of bytes, and does not cache a content larger than that", async () => {
  const { read, cache } = setUp({ bytesMax: 2 * BYTES });
  for (const hash of ["a", "b", "c", "b"]) await cache.get("shop", hash);
  assert.deepEqual(read, ["shop a", "shop b", "shop c"]);
  const tiny = setUp({ bytesMax: BYTES - 1 });
  for (let i = 0; i < 2; i++) assert.deepEqual(await tiny.cache.get("shop", "a"), contentOf("a"));
  assert.equal(tiny.read.length, 2);
});

test("reads again after a miss and after a failed read", async () => {
  const { read, cache } = setUp();
  for (let i = 0; i < 2; i++) assert.equal(await cache.get("shop", "absent"), undefined);
  assert.equal(read.length, 2);
  let fails = true;
  const store = { get: async () => (fails ? Promise.reject(new Error("away")) : contentOf("a")) };
  const other = createContentCache(store);
  await assert.rejects(other.get("shop", "a"), /away/);
  fails = false;
  assert.deepEqual(await other.get("shop", "a"), contentOf("a"));
});
