import { createHash, randomUUID } from "node:crypto";
import { BLOB_CHUNK_BYTES, UPLOAD_KEEP_MS } from "../core/content/blob.ts";
import type { BlobStore, StoredBlob } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";

/** Writes one file to the store in chunks, one at a time. Disposal before a commit removes what was written. Rejects with a StoreError. */
export interface BlobWriter extends AsyncDisposable {
  /** Written so far. */
  readonly bytes: number;
  /** Resolves when the next bytes may come. */
  write(bytes: Uint8Array): Promise<void>;
  /** Of all that was written, in hexadecimal; once. */
  sha256(): string;
  /** Undefined where the upload has been purged meanwhile. */
  commit(address: Pick<StoredBlob, "app" | "id" | "keepUntil">): Promise<StoredBlob | undefined>;
}

export async function createBlobWriter(blobs: BlobStore, clock: Pick<Clock, "now">): Promise<BlobWriter> {
  const upload = randomUUID();
  const hash = createHash("sha256");
  let [total, chunkCount, pending] = [0, 0, 0];
  let parts: Uint8Array[] = [];
  let isCommitted = false;
  await blobs.begin(upload, clock.now() + UPLOAD_KEEP_MS);

  /** The next chunk of what is pending, as large as it may be. */
  async function putChunk(): Promise<void> {
    const whole = Buffer.concat(parts);
    const rest = whole.subarray(BLOB_CHUNK_BYTES);
    [parts, pending] = [[rest], rest.length];
    await blobs.putChunk(upload, chunkCount++, whole.subarray(0, BLOB_CHUNK_BYTES));
  }

  return {
    get bytes() {
      return total;
    },
    async write(bytes) {
      hash.update(bytes);
      total += bytes.length;
      parts.push(bytes);
      pending += bytes.length;
      while (pending >= BLOB_CHUNK_BYTES) await putChunk();
    },
    sha256: () => hash.digest("hex"),
    async commit(address) {
      if (pending > 0) await putChunk();
      isCommitted = true;
      return blobs.commit({ ...address, bytes: total, upload, chunkCount });
    },
    async [Symbol.asyncDispose]() {
      // Where the store is away, a purge removes it later.
      if (!isCommitted) await blobs.abandon(upload).catch(() => undefined);
    },
  };
}
