import { REFERRED_KEEP_MS } from "../../core/content/reference.ts";
import type { BlobStore, StoredBlob } from "../../core/ports/blob-store.ts";
import { frozen } from "./frozen.ts";

/** @param isReferred whether a notification refers to it */
export function createMemoryBlobs(isReferred: (app: string, id: string) => boolean): BlobStore {
  const blobs = new Map<string, StoredBlob>();
  const uploads = new Map<string, number>();
  const chunks = new Map<string, Map<number, Buffer>>();
  const keyOf = (app: string, id: string) => `${id} ${app}`;
  const keepNow = (app: string, id: string, keepUntil: number) => {
    const before = blobs.get(keyOf(app, id));
    if (before) blobs.set(keyOf(app, id), frozen({ ...before, keepUntil: Math.max(before.keepUntil, keepUntil) }));
    return blobs.get(keyOf(app, id));
  };
  return {
    async begin(upload, keepUntil) {
      uploads.set(upload, keepUntil);
      chunks.set(upload, new Map());
    },
    async putChunk(upload, index, bytes) {
      chunks.get(upload)?.set(index, Buffer.from(bytes));
    },
    async commit(blob) {
      if (!uploads.delete(blob.upload)) return undefined;
      const key = keyOf(blob.app, blob.id);
      if (blobs.has(key)) chunks.delete(blob.upload);
      else blobs.set(key, frozen({ ...blob }));
      return keepNow(blob.app, blob.id, blob.keepUntil);
    },
    async abandon(upload) {
      if (uploads.delete(upload)) chunks.delete(upload);
    },
    find: async (app, id) => blobs.get(keyOf(app, id)),
    keep: async (app, id, keepUntil) => keepNow(app, id, keepUntil),
    readChunk: async (upload, index) => chunks.get(upload)?.get(index),
    async purge(before, limit) {
      const old = [...blobs].filter(([, { keepUntil }]) => keepUntil < before);
      for (const [key, blob] of old)
        if (isReferred(blob.app, blob.id)) blobs.set(key, frozen({ ...blob, keepUntil: before + REFERRED_KEEP_MS }));
      const oldBlobs = [...blobs].flatMap(([key, { keepUntil, upload }]) => (keepUntil < before ? [{ key, keepUntil, upload }] : []));
      const oldUploads = [...uploads].flatMap(([key, keepUntil]) => (keepUntil < before ? [{ key, keepUntil, upload: key }] : []));
      const removed = [...oldBlobs, ...oldUploads].sort((a, b) => a.keepUntil - b.keepUntil).slice(0, Math.max(0, limit));
      for (const { key, upload } of removed) {
        blobs.delete(key);
        uploads.delete(key);
        chunks.delete(upload);
      }
      return removed.length;
    },
  };
}
