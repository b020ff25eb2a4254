import { type Collection, MongoServerError } from "mongodb";
import { REFERRED_KEEP_MS } from "../../core/content/reference.ts";
import type { BlobStore, StoredBlob } from "../../core/ports/blob-store.ts";
import { keyOf, readKey } from "./contents.ts";
import { asStoreError, DUPLICATE_KEY } from "./errors.ts";
import type { MongoReferences } from "./references.ts";

/** A blob, by id and app. Its chunks are those of one upload. */
interface BlobHead {
  _id: string;
  keepUntil: number;
  upload: string;
  bytes: number;
  chunkCount: number;
}

/** Names chunks that a purge removes unless the blob at `address` has them: those of an upload under way, or of a blob that a purge is removing. */
interface UploadDocument {
  _id: string;
  keepUntil: number;
  /** Once known. */
  address?: string;
}

export type BlobDocument = BlobHead | UploadDocument;

export interface ChunkDocument {
  /** Upload, "/", number. */
  _id: string;
  bytes: Buffer;
}

/** A blob that exists may be purged before its time is extended; the next try then inserts it again. */
const INSERT_TRIES_MAX = 5;

/** The `_id` of a blob has the form of a content's key: readKey() takes it apart. */
export const addressOf = (app: string, id: string) => keyOf({ app, hash: id });
const chunkId = (upload: string, index: number) => `${upload}/${index}`;
/** A digit follows the slash; a colon sorts behind all of them. */
const chunksOf = (upload: string) => ({ $gte: `${upload}/`, $lt: `${upload}/:` });

const blobOf = (app: string, id: string, { bytes, keepUntil, upload, chunkCount }: BlobHead): StoredBlob => ({
  ...{ app, id, bytes, keepUntil, upload, chunkCount },
});

/**
 * Without transactions. The chunks are there before the blob that has them, and go after it; between the two moments a document under the upload's
 * own id says so, from which a purge finishes what was interrupted.
 */
export function createBlobStore(
  blobs: Collection<BlobDocument>,
  chunks: Collection<ChunkDocument>,
  references: Pick<MongoReferences, "toBlob">,
): BlobStore {
  const heads = blobs as unknown as Collection<BlobHead>;
  const uploads = blobs as unknown as Collection<UploadDocument>;

  /** By an insert, because an upsert of two at once can tell both that theirs is the one. */
  async function putHead(address: string, { bytes, keepUntil, upload, chunkCount }: StoredBlob): Promise<BlobHead> {
    const head: BlobHead = { _id: address, keepUntil, upload, bytes, chunkCount };
    for (let tries = 1; ; tries++) {
      try {
        await heads.insertOne(head);
        return head;
      } catch (error) {
        const isThere = error instanceof MongoServerError && error.code === DUPLICATE_KEY;
        if (!isThere || tries === INSERT_TRIES_MAX) throw error;
      }
      const kept = await heads.findOneAndUpdate({ _id: address }, { $max: { keepUntil } }, { returnDocument: "after" });
      if (kept) return kept;
    }
  }

  const removeChunks = (upload: string) => chunks.deleteMany({ _id: chunksOf(upload) });

  /** Its chunks, unless a blob has them, then what refers to them. */
  async function removeUpload({ _id: upload, address }: Pick<UploadDocument, "_id" | "address">): Promise<void> {
    const head = address === undefined ? undefined : await heads.findOne({ _id: address });
    if (head?.upload !== upload) await removeChunks(upload);
    await uploads.deleteOne({ _id: upload });
  }

  const isHead = (document: BlobDocument): document is BlobHead => "upload" in document;

  return {
    begin: (upload, keepUntil) => asStoreError("begin an upload", async () => void (await uploads.insertOne({ _id: upload, keepUntil }))),

    putChunk: (upload, index, bytes) =>
      asStoreError("put a chunk", async () => {
        await chunks.insertOne({ _id: chunkId(upload, index), bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) });
      }),

    commit: (blob) =>
      asStoreError("commit an upload", async () => {
        const address = addressOf(blob.app, blob.id);
        const { matchedCount } = await uploads.updateOne({ _id: blob.upload }, { $set: { address } });
        if (matchedCount === 0) return undefined;
        const head = await putHead(address, blob);
        if (head.upload !== blob.upload) await removeChunks(blob.upload);
        await uploads.deleteOne({ _id: blob.upload });
        return blobOf(blob.app, blob.id, head);
      }),

    abandon: (upload) =>
      asStoreError("abandon an upload", async () => {
        const document = await uploads.findOne({ _id: upload });
        if (document) await removeUpload(document);
      }),

    find: (app, id) =>
      asStoreError("find a blob", async () => {
        const address = { _id: addressOf(app, id) };
        // Absence ends a delivery, so it is confirmed as that of a content is (contents.ts).
        const head = (await heads.findOne(address)) ?? (await heads.findOneAndUpdate(address, { $max: { keepUntil: 0 } }));
        return head ? blobOf(app, id, head) : undefined;
      }),

    keep: (app, id, keepUntil) =>
      asStoreError("keep a blob", async () => {
        const head = await heads.findOneAndUpdate({ _id: addressOf(app, id) }, { $max: { keepUntil } }, { returnDocument: "after" });
        return head ? blobOf(app, id, head) : undefined;
      }),

    readChunk: (upload, index) =>
      asStoreError("read a chunk", async () => {
        const id = { _id: chunkId(upload, index) };
        const options = { promoteBuffers: true };
        const found = (await chunks.findOne(id, options)) ?? (await chunks.findOneAndUpdate(id, { $unset: { absent: "" } }, options));
        return found?.bytes;
      }),

    purge: (before, limit) =>
      asStoreError("purge blobs", async () => {
        // A limit of 0 would be none.
        if (limit <= 0) return 0;
        const old = { keepUntil: { $lt: before } };
        const found = await blobs.find(old, { sort: { keepUntil: 1 }, limit }).toArray();
        let removed = 0;
        for (const document of found) {
          if (!isHead(document)) {
            await removeUpload(document);
            removed++;
            continue;
          }
          const { app, hash: id } = readKey(document._id);
          if (await references.toBlob(app, id)) {
            await heads.updateOne({ _id: document._id }, { $max: { keepUntil: before + REFERRED_KEEP_MS } });
            continue;
          }
          const upload = { _id: document.upload, address: document._id };
          await uploads.updateOne({ _id: upload._id }, { $set: { address: upload.address, keepUntil: 0 } }, { upsert: true });
          // The condition again: a notification may be about to refer to it, and have moved `keepUntil`, since it was found.
          removed += (await heads.deleteOne({ _id: document._id, ...old })).deletedCount;
          await removeUpload(upload);
        }
        return removed;
      }),
  };
}
