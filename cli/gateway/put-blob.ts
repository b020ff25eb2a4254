import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { status } from "@grpc/grpc-js";
import {
  type BlobHeader,
  type BlobServiceClient,
  BlobServiceService,
  type PutBlobRequest,
  type PutBlobResponse,
  type StatBlobResponse,
} from "../../gen/carillon/v1/blob_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { readDetails } from "../../runtime/grpc/status.ts";
import { CALL_MS } from "./connect.ts";

/** Bytes of one message: what PutBlob takes at most. */
const CHUNK_BYTES = 65_536;
/** Deadline of an upload, in ms: as long as the gateway gives it. */
const PUT_MS = 120_000;

/** The file as a blob, sent only where the app has none of it, or one that is about to expire. Rejects with a ServiceError, or where the file cannot be read. */
export async function putFile(client: BlobServiceClient, path: string): Promise<StatBlobResponse | PutBlobResponse> {
  const { size } = await stat(path);
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  const sha256 = hash.digest("hex");
  const known = await statBlob(client, sha256);
  return known ?? putBlob(client, { size, sha256 }, createReadStream(path, { highWaterMark: CHUNK_BYTES }));
}

/** A blob that is kept for less than this, in ms, is put again: a day leaves time to send the mail. */
const ENOUGH_MS = 86_400_000;

async function statBlob(client: BlobServiceClient, blobId: string): Promise<StatBlobResponse | undefined> {
  try {
    const found = await callUnary(client, BlobServiceService.statBlob, { blobId }, { deadlineMs: CALL_MS });
    return found.expiresAt && found.expiresAt.getTime() > Date.now() + ENOUGH_MS ? found : undefined;
  } catch (error) {
    if (readDetails(error).code === status.NOT_FOUND) return undefined;
    throw error;
  }
}

/** Sends the bytes as fast as the gateway reads them. Rejects with a ServiceError. */
export async function putBlob(client: BlobServiceClient, header: BlobHeader, chunks: AsyncIterable<Buffer>): Promise<PutBlobResponse> {
  const answer = Promise.withResolvers<PutBlobResponse>();
  const call = client.putBlob({ deadline: Date.now() + PUT_MS }, (error, response) =>
    error ? answer.reject(error) : answer.resolve(response),
  );
  // The answer tells it too.
  call.on("error", () => undefined);
  let isAnswered = false;
  const answered = answer.promise.then(
    () => undefined,
    () => {
      isAnswered = true;
    },
  );
  const write = async (message: PutBlobRequest) => {
    if (!call.write(message)) await Promise.race([new Promise((resolve) => call.once("drain", resolve)), answered]);
  };
  await write({ part: { $case: "header", value: header } });
  for await (const value of chunks) {
    if (isAnswered) break;
    await write({ part: { $case: "chunk", value } });
  }
  call.end();
  return answer.promise;
}
