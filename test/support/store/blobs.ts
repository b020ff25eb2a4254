import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe } from "node:test";
import { openStore } from "../../../adapters/store/open-store.ts";
import { BLOB_CHUNK_BYTES, readBlob } from "../../../core/content/blob.ts";
import type { StoredBlob } from "../../../core/ports/blob-store.ts";
import type { Store } from "../../../core/ports/store.ts";
import { T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const hexId = () => randomBytes(32).toString("hex");

/** An upload of these bytes, not committed yet. */
async function upload(store: Store, bytes: Buffer, over: Partial<StoredBlob> = {}): Promise<StoredBlob> {
  const blob = { app: "shop", id: hexId(), bytes: bytes.length, keepUntil: T0, upload: randomBytes(16).toString("hex"), ...over };
  await store.blobs.begin(blob.upload, T0);
  const chunkCount = Math.ceil(bytes.length / BLOB_CHUNK_BYTES);
  for (let i = 0; i < chunkCount; i++)
    await store.blobs.putChunk(blob.upload, i, bytes.subarray(i * BLOB_CHUNK_BYTES, (i + 1) * BLOB_CHUNK_BYTES));
  return { ...blob, chunkCount };
}

async function put(store: Store, bytes: Buffer, over: Partial<StoredBlob> = {}): Promise<StoredBlob> {
  const blob = await store.blobs.commit(await upload(store, bytes, over));
  assert.ok(blob);
  return blob;
}

export function describeBlobs(name: string, test: StoreTest): void {
  describe(`${name}: blobs`, () => {
    test("returns the bytes of a committed upload unchanged, across chunks", async (store) => {
      const bytes = randomBytes(2 * BLOB_CHUNK_BYTES + 77);
      const blob = await put(store, bytes);
      assert.equal(blob.chunkCount, 3);
      assert.deepEqual(await store.blobs.find(blob.app, blob.id), blob);
      assert.ok((await readBlob(store.blobs, blob))?.equals(bytes));
      assert.equal(await readBlob(store.blobs, { ...blob, chunkCount: 4 }), undefined, "a chunk that is missing");
    });

    test("finds no blob of another app, and none before its upload is committed", async (store) => {
      const waiting = await upload(store, Buffer.from("abc"));
      assert.equal(await store.blobs.find(waiting.app, waiting.id), undefined);
      assert.equal(await store.blobs.keep(waiting.app, waiting.id, T0), undefined);
      await store.blobs.commit(waiting);
      for (const found of [await store.blobs.find("other", waiting.id), await store.blobs.keep("other", waiting.id, T0 + 9)])
        assert.equal(found, undefined);
      const ofOther = await put(store, Buffer.from("abc"), { app: "other", id: waiting.id });
      assert.notEqual(ofOther.upload, waiting.upload);
    });

    test("keeps one copy of a blob that is put again, and moves keepUntil forward, never back", async (store) => {
      const first = await put(store, Buffer.from("abc"), { keepUntil: T0 + 50 });
      const again = await upload(store, Buffer.from("abc"), { id: first.id, keepUntil: T0 + 100 });
      assert.deepEqual(await store.blobs.commit(again), { ...first, keepUntil: T0 + 100 });
      assert.equal(await store.blobs.readChunk(again.upload, 0), undefined);
      assert.equal((await store.blobs.keep(first.app, first.id, T0 + 70))?.keepUntil, T0 + 100);
      assert.equal((await store.blobs.keep(first.app, first.id, T0 + 170))?.keepUntil, T0 + 170);
      assert.equal(await store.blobs.purge(T0 + 170, 10), 0);
      assert.equal((await readBlob(store.blobs, first))?.toString(), "abc");
    });

    test("removes an abandoned upload, and never a committed one", async (store) => {
      const abandoned = await upload(store, Buffer.from("abc"));
      await store.blobs.abandon(abandoned.upload);
      assert.equal(await store.blobs.readChunk(abandoned.upload, 0), undefined);
      assert.equal(await store.blobs.commit(abandoned), undefined);
      const kept = await put(store, Buffer.from("def"));
      await store.blobs.abandon(kept.upload);
      assert.equal((await readBlob(store.blobs, kept))?.toString(), "def");
      assert.equal(await store.blobs.purge(T0, 10), 0);
    });

    test("purges blobs and unfinished uploads with their chunks, the earliest first, up to a limit", async (store) => {
      const unfinished = await upload(store, Buffer.from("abc"));
      const blobs = [];
      for (const age of [3, 2, 1]) blobs.push(await put(store, Buffer.from(`blob ${age}`), { keepUntil: T0 - age }));
      for (const none of [0, -1]) assert.equal(await store.blobs.purge(T0 + 1, none), 0);
      assert.equal(await store.blobs.purge(T0, 2), 2);
      const left = await Promise.all(blobs.map(({ app, id }) => store.blobs.find(app, id)));
      assert.deepEqual(left, [undefined, undefined, blobs[2]]);
      assert.equal(await store.blobs.purge(T0 + 1, 10), 2);
      for (const { upload: id } of [unfinished, ...blobs]) assert.equal(await store.blobs.readChunk(id, 0), undefined);
      assert.equal(await store.blobs.commit(unfinished), undefined);
      assert.equal(await store.blobs.purge(T0 + 1, 10), 0);
    });

    test("stores a blob again after a purge", async (store) => {
      const first = await put(store, Buffer.from("abc"));
      await store.blobs.purge(T0 + 1, 10);
      const second = await put(store, Buffer.from("abc"), { id: first.id });
      assert.equal((await readBlob(store.blobs, second))?.toString(), "abc");
    });

    test("of one blob that is put by two at once, one copy is kept and no bytes are lost", async (store, url) => {
      await using other = await openStore(url);
      for (let round = 0; round < 10; round++) {
        const id = hexId();
        const [a, b] = [await upload(store, Buffer.from("abc"), { id }), await upload(other, Buffer.from("abc"), { id })];
        const [one, two] = await Promise.all([store.blobs.commit(a), other.blobs.commit(b)]);
        assert.ok(one && two && one.upload === two.upload);
        assert.equal((await readBlob(store.blobs, one))?.toString(), "abc");
        const loser = one.upload === a.upload ? b.upload : a.upload;
        assert.equal(await store.blobs.readChunk(loser, 0), undefined);
      }
    });

    test("never purges a blob whose keepUntil moves forward at the same time", async (store, url) => {
      await using other = await openStore(url);
      for (let round = 0; round < 20; round++) {
        const blob = await put(store, Buffer.from("abc"));
        const [kept] = await Promise.all([store.blobs.keep(blob.app, blob.id, T0 + 100), other.blobs.purge(T0 + 1, 10)]);
        const bytes = await readBlob(store.blobs, blob);
        assert.equal(bytes?.toString(), kept && "abc");
      }
    });
  });
}
