import type { DatabaseSync } from "node:sqlite";
import { REFERRED_KEEP_MS } from "../../core/content/reference.ts";
import type { BlobStore, StoredBlob } from "../../core/ports/blob-store.ts";
import { createReferences } from "./references.ts";
import { asStoreError, transact } from "./transact.ts";

const COLUMNS = "app, id, bytes, keep_until, upload, chunk_count";

const blobOf = (row: Record<string, unknown>): StoredBlob => ({
  ...{ app: String(row.app), id: String(row.id), bytes: Number(row.bytes) },
  ...{ keepUntil: Number(row.keep_until), upload: String(row.upload), chunkCount: Number(row.chunk_count) },
});

/** What roles write of blobs (writes.ts). */
export type BlobWrites = Pick<BlobStore, "begin" | "putChunk" | "commit" | "abandon" | "keep">;

export function createBlobWrites(database: DatabaseSync): BlobWrites {
  const insertUpload = database.prepare("insert into blob_uploads (upload, keep_until) values (?, ?)");
  const removeUpload = database.prepare("delete from blob_uploads where upload = ?");
  const insertChunk = database.prepare("insert into blob_chunks (upload, number, bytes) values (?, ?, ?)");
  const removeChunks = database.prepare("delete from blob_chunks where upload = ?");
  const insertBlob = database.prepare(`insert into blobs (${COLUMNS}) values (?, ?, ?, ?, ?, ?) on conflict do nothing`);
  const moveOn = database.prepare(
    `update blobs set keep_until = max(keep_until, :keepUntil) where app = :app and id = :id returning ${COLUMNS}`,
  );
  const keepNow = (app: string, id: string, keepUntil: number) => {
    const row = moveOn.get({ app, id, keepUntil });
    return row && blobOf(row);
  };
  return {
    begin: (upload, keepUntil) => transact(database, () => void insertUpload.run(upload, keepUntil)),
    putChunk: (upload, index, bytes) => transact(database, () => void insertChunk.run(upload, index, bytes)),
    commit: ({ app, id, bytes, keepUntil, upload, chunkCount }) =>
      transact(database, () => {
        if (removeUpload.run(upload).changes === 0) return undefined;
        if (insertBlob.run(app, id, bytes, keepUntil, upload, chunkCount).changes === 0) removeChunks.run(upload);
        return keepNow(app, id, keepUntil);
      }),
    abandon: (upload) =>
      transact(database, () => {
        if (removeUpload.run(upload).changes > 0) removeChunks.run(upload);
      }),
    keep: (app, id, keepUntil) => transact(database, () => keepNow(app, id, keepUntil)),
  };
}

export function createBlobStore(database: DatabaseSync, writes: BlobWrites): BlobStore {
  const { begin, putChunk, commit, abandon, keep } = writes;
  const findOne = database.prepare(`select ${COLUMNS} from blobs where app = ? and id = ?`);
  const findChunk = database.prepare("select bytes from blob_chunks where upload = ? and number = ?");
  const old = database.prepare("select app, id, upload from blobs where keep_until < ? order by keep_until limit ?");
  const remove = database.prepare("delete from blobs where app = ? and id = ?");
  const moveOn = database.prepare("update blobs set keep_until = ? where app = ? and id = ?");
  const { isReferred } = createReferences(database);
  const takeOldUploads = database.prepare(`
    delete from blob_uploads where upload in (select upload from blob_uploads where keep_until < ? order by keep_until limit ?) returning upload`);
  const removeChunks = database.prepare("delete from blob_chunks where upload = ?");
  return {
    ...{ begin, putChunk, commit, abandon, keep },

    find: async (app, id) =>
      asStoreError(() => {
        const row = findOne.get(app, id);
        return row && blobOf(row);
      }),

    readChunk: async (upload, index) =>
      asStoreError(() => {
        const bytes = findChunk.get(upload, index)?.bytes as Uint8Array | undefined;
        return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      }),

    purge: (before, limit) =>
      transact(database, () => {
        // A negative limit would be none.
        const most = Math.max(0, limit);
        const blobs = old.all(before, most);
        const removed = takeOldUploads.all(before, most - blobs.length);
        for (const row of blobs) {
          const [app, id] = [String(row.app), String(row.id)];
          if (isReferred(app, id)) moveOn.run(before + REFERRED_KEEP_MS, app, id);
          else {
            remove.run(app, id);
            removed.push(row);
          }
        }
        for (const { upload } of removed) removeChunks.run(String(upload));
        return removed.length;
      }),
  };
}
