import { BLOB_UNUSED_KEEP_MS } from "../core/content/blob.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type { BlobStore, StoredBlob } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { BlobHeader, PutBlobRequest, PutBlobResponse, StatBlobRequest, StatBlobResponse } from "../gen/carillon/v1/blob_service.ts";
import { type CallError, callError, invalidRequest, isCallError } from "../runtime/call-error.ts";
import { KNOWN_STREAM_WINDOW_BYTES } from "../runtime/grpc/limits.ts";
import type { UploadLimits } from "../runtime/grpc/methods.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import type { Handler, UploadHandler } from "../runtime/handler.ts";
import { errorLine, type Logger } from "../runtime/logger.ts";
import { createSampledLog } from "../runtime/sampled-log.ts";
import { createBlobWriter } from "./blob-writer.ts";

/** Bytes of the file in one message of PutBlob. */
const CHUNK_BYTES_MAX = 65_536;
/** With the tags and lengths around them. */
export const PUT_BLOB_MESSAGE_BYTES_MAX = CHUNK_BYTES_MAX + 64;
/** grpc-js reads so many messages ahead of the handler. */
const READ_AHEAD_BYTES = 16 * CHUNK_BYTES_MAX;

export const PUT_BLOB: UploadLimits = {
  // 20 MiB in messages of 2 KiB, which is what the smallest useful ones have; and the header.
  messagesMax: 10_241,
  // The window, what is read ahead, and a stored chunk with its copy on the way to the store.
  heldBytes: KNOWN_STREAM_WINDOW_BYTES + READ_AHEAD_BYTES + 2 * 1_048_576,
  // 20 MiB at 1.4 Mbit/s.
  lifeMs: 120_000,
  // As long as a call may take.
  silentMs: 10_000,
};

/** carillon.v1.BlobService, for the app whose API key the caller showed. */
export interface BlobHandlers {
  putBlob: UploadHandler<PutBlobRequest, PutBlobResponse, AppRecord>;
  statBlob: Handler<StatBlobRequest, StatBlobResponse, AppRecord>;
}

export function createBlobHandlers({ blobs, clock, log }: { blobs: BlobStore; clock: Clock; log: Logger }): BlobHandlers {
  const checkPart = compileValidator("carillon.v1.PutBlobRequest");
  const checkStat = compileValidator("carillon.v1.StatBlobRequest");
  const logFault = createSampledLog(log, "a blob cannot be stored or read; its call is answered UNAVAILABLE", () => clock.monotonic());

  const unavailable = (error: unknown): CallError => {
    logFault("store", { err: errorLine(error) });
    return callError("UNAVAILABLE", "UNAVAILABLE", "the store cannot be used; nothing was stored");
  };

  /** The bytes that follow the header, in the store. Throws a CallError where the caller is at fault, a StoreError where the store is. */
  async function store(app: string, messages: AsyncIterator<PutBlobRequest>, header: BlobHeader): Promise<StoredBlob | undefined> {
    await using writer = await createBlobWriter(blobs, clock);
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      const { part } = next.value;
      if (part?.$case !== "chunk") throw invalid("part", "blob.chunk", "must be a chunk in every message but the first");
      const { length } = part.value;
      if (length === 0 || length > CHUNK_BYTES_MAX) throw invalid("chunk", "chunk.bytes", `must have from 1 to ${CHUNK_BYTES_MAX} bytes`);
      if (writer.bytes + length > header.size) throw invalid("header.size", "blob.size", `is ${header.size}, and more bytes came`);
      await writer.write(part.value);
    }
    if (writer.bytes < header.size) throw invalid("header.size", "blob.size", `is ${header.size}, and only ${writer.bytes} bytes came`);
    const id = writer.sha256();
    if (header.sha256 !== "" && header.sha256 !== id)
      throw invalid("header.sha256", "blob.sha256", "is not the hash of the bytes that came");
    return await writer.commit({ app, id, keepUntil: clock.now() + BLOB_UNUSED_KEEP_MS });
  }

  return {
    async putBlob(stream, { caller }) {
      const messages = stream[Symbol.asyncIterator]();
      const first = await messages.next();
      if (first.done) return invalid("part", "blob.header", "must be a header in the first message");
      const violations = checkPart(first.value);
      if (violations.length > 0) return invalidRequest(violations);
      const { part } = first.value;
      if (part?.$case !== "header") return invalid("part", "blob.header", "must be a header in the first message");
      try {
        const blob = await store(caller.id, messages, part.value);
        return blob ? toAnswer(blob) : callError("UNAVAILABLE", "UNAVAILABLE", "the upload took too long; nothing was stored");
      } catch (error) {
        return isCallError(error) ? error : unavailable(error);
      }
    },
    async statBlob(request, { caller }) {
      const violations = checkStat(request);
      if (violations.length > 0) return invalidRequest(violations);
      const blob = await blobs.find(caller.id, request.blobId).catch(unavailable);
      if (blob && "kind" in blob) return blob;
      // What has expired may be purged at any moment.
      if (blob === undefined || blob.keepUntil <= clock.now())
        return callError("NOT_FOUND", "NOT_FOUND", "no blob of this app has this id, or it has expired");
      return toAnswer(blob);
    },
  };
}

const invalid = (field: string, rule: string, message: string): CallError => invalidRequest([{ field, rule, message }]);

const toAnswer = ({ id, bytes, keepUntil }: StoredBlob) => ({ blobId: id, bytes, expiresAt: new Date(keepUntil) });
