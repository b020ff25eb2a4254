import type { BlobStore, StoredBlob } from "../ports/blob-store.ts";

const MIB = 1_048_576;

/** Bytes of a blob, and of all attachments of a mail. Base64 makes 28 MB of them: providers over HTTP take 25 to 30 MB, a mail server what it says. */
export const BLOB_BYTES_MAX = 20 * MIB;
/** A stored chunk: MongoDB's documents may have 16 MB, and SQLite copies a row as a whole. A blob of the largest size has 20. */
export const BLOB_CHUNK_BYTES = MIB;
/** A blob that no notification refers to is kept for so long after it was put, in ms: a week, to prepare a campaign. */
export const BLOB_UNUSED_KEEP_MS = 7 * 86_400_000;
/** An upload that was neither finished nor removed, in ms: far longer than one may take, so that none under way is purged. */
export const UPLOAD_KEEP_MS = 3_600_000;

/** The bytes of a blob; undefined where a part of them is not there. */
export async function readBlob(
  blobs: Pick<BlobStore, "readChunk">,
  { upload, chunkCount, bytes }: StoredBlob,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  for (let index = 0; index < chunkCount; index++) {
    const chunk = await blobs.readChunk(upload, index);
    if (chunk === undefined) return undefined;
    chunks.push(chunk);
  }
  const whole = Buffer.concat(chunks);
  return whole.length === bytes ? whole : undefined;
}
