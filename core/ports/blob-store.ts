/** A file that an app has put here, to attach it to mails. */
export interface StoredBlob {
  /** Blobs are never shared between apps. */
  app: string;
  /** Hex SHA-256 of the bytes: with the app, its address. */
  id: string;
  bytes: number;
  /** ms since the epoch; a purge removes it only after this moment, and only where no notification refers to it. */
  keepUntil: number;
  /** Whose chunks hold its bytes. */
  upload: string;
  chunkCount: number;
}

/**
 * Large files in chunks. An upload writes its chunks under an id of its own; committed, they become the bytes of a blob. Every write is durable when its
 * promise resolves.
 */
export interface BlobStore {
  /** Before its chunks. A purge after `keepUntil` (ms since the epoch) removes an upload that was neither committed nor abandoned. */
  begin(upload: string, keepUntil: number): Promise<void>;
  /** @param index from 0 on; @param bytes at most BLOB_CHUNK_BYTES */
  putChunk(upload: string, index: number, bytes: Uint8Array): Promise<void>;
  /**
   * Makes the upload the blob, or, where the app has that blob, drops the upload and moves `keepUntil` forward, never back. Returns the blob as it is now;
   * undefined where a purge has removed the upload.
   */
  commit(blob: StoredBlob): Promise<StoredBlob | undefined>;
  /** Removes an upload that was not committed, and its chunks. */
  abandon(upload: string): Promise<void>;
  find(app: string, id: string): Promise<StoredBlob | undefined>;
  /** As find, and in the same write moves `keepUntil` forward, never back: once it resolves, no purge with an earlier moment can remove the blob. */
  keep(app: string, id: string, keepUntil: number): Promise<StoredBlob | undefined>;
  /** Undefined where there is none. */
  readChunk(upload: string, index: number): Promise<Buffer | undefined>;
  /**
   * Of up to `limit` blobs and uploads whose `keepUntil` is earlier than `before`, removes those to which no notification refers, with their chunks, and
   * keeps the others for REFERRED_KEEP_MS more; resolves with how many were removed.
   */
  purge(before: number, limit: number): Promise<number>;
}
