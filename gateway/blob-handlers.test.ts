import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import type { ClientWritableStream } from "@grpc/grpc-js";
import { openStore } from "../adapters/store/open-store.ts";
import { BLOB_BYTES_MAX, BLOB_UNUSED_KEEP_MS, readBlob } from "../core/content/blob.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { Store } from "../core/ports/store.ts";
import { BlobServiceClient, BlobServiceService, type PutBlobRequest, type PutBlobResponse } from "../gen/carillon/v1/blob_service.ts";
import { callError } from "../runtime/call-error.ts";
import { callUnary, createClient } from "../runtime/grpc/client.ts";
import { serveHandlers } from "../runtime/grpc/serve-handlers.ts";
import { type GrpcServer, startGrpcServer } from "../runtime/grpc/server.ts";
import { readDetails } from "../runtime/grpc/status.ts";
import type { Authenticate } from "../runtime/handler.ts";
import { createLogger } from "../runtime/logger.ts";
import { eventually } from "../test/support/eventually.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import { createBlobHandlers, PUT_BLOB, PUT_BLOB_MESSAGE_BYTES_MAX } from "./blob-handlers.ts";

const MIB = 1_048_576;
const log = createLogger("test", "silent");
const clock = createFakeClock();
const hashOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** One app may hold half of it: 12 uploads. */
const limits = { requestBytesMax: 24 * PUT_BLOB.heldBytes };
const unknown = callError("UNAUTHENTICATED", "UNAUTHENTICATED", "unknown key");
const authenticate: Authenticate<AppRecord> = (header) => {
  const id = header("authorization")?.slice("Bearer ".length) ?? "";
  return ["shop", "bank"].includes(id) ? { ...sampleApp(), id } : unknown;
};

/** The store, with a count of the uploads that are neither committed nor abandoned. */
let store: Store;
const open = new Set<string>();
let putChunk: BlobStore["putChunk"] | undefined;
let server: GrpcServer;
let clients: Record<"shop" | "bank" | "stranger", BlobServiceClient & Disposable>;

before(async () => {
  store = await openStore("sqlite::memory:");
  const blobs: BlobStore = {
    ...store.blobs,
    begin: (upload, keepUntil) => store.blobs.begin(upload, keepUntil).then(() => void open.add(upload)),
    putChunk: (...given) => (putChunk ?? store.blobs.putChunk)(...given),
    commit: (blob) => store.blobs.commit(blob).finally(() => open.delete(blob.upload)),
    abandon: (upload) => store.blobs.abandon(upload).finally(() => open.delete(upload)),
  };
  const service = serveHandlers(BlobServiceService, createBlobHandlers({ blobs, clock, log }), {
    log,
    authenticate,
    messageBytesMax: { putBlob: PUT_BLOB_MESSAGE_BYTES_MAX },
    uploads: { putBlob: { ...PUT_BLOB, silentMs: 300 } },
  });
  server = await startGrpcServer({ address: "127.0.0.1:0", services: [service], reflection: false, log, limits });
  server.setServing(true);
  const client = (token: string) => createClient(BlobServiceClient, server.address, { token });
  clients = { shop: client("shop"), bank: client("bank"), stranger: client("stranger") };
});
after(async () => {
  for (const client of Object.values(clients ?? {})) client[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
  await store?.[Symbol.asyncDispose]();
});

interface Upload {
  call: ClientWritableStream<PutBlobRequest>;
  answer: Promise<PutBlobResponse>;
}

function begin(client: BlobServiceClient): Upload {
  const { promise, resolve, reject } = Promise.withResolvers<PutBlobResponse>();
  const call = client.putBlob((error, response) => (error ? reject(error) : resolve(response)));
  // It reports its end by the answer.
  call.on("error", () => undefined);
  promise.catch(() => undefined);
  return { call, answer: promise };
}

const header = (size: number, sha256 = ""): PutBlobRequest => ({ part: { $case: "header", value: { size, sha256 } } });
const chunk = (bytes: Buffer): PutBlobRequest => ({ part: { $case: "chunk", value: bytes } });

/** Sends as fast as the server reads. */
async function send({ call, answer }: Upload, messages: Iterable<PutBlobRequest>): Promise<void> {
  let isOver = false;
  answer
    .catch(() => undefined)
    .finally(() => {
      isOver = true;
      call.emit("drain");
    });
  for (const message of messages) {
    if (isOver) return;
    if (!call.write(message)) await new Promise((resolve) => call.once("drain", resolve));
  }
}

function* chunksOf(bytes: Buffer, size = 65_536): Generator<PutBlobRequest> {
  for (let at = 0; at < bytes.length; at += size) yield chunk(bytes.subarray(at, at + size));
}

async function put(client: BlobServiceClient, bytes: Buffer, { size = bytes.length, sha256 = "", chunkSize = 65_536 } = {}) {
  const upload = begin(client);
  await send(upload, [header(size, sha256)]);
  await send(upload, chunksOf(bytes, chunkSize));
  upload.call.end();
  return upload.answer;
}

async function faultOf(answer: Promise<unknown>) {
  const error = await answer.then(
    () => assert.fail("it was accepted"),
    (given: unknown) => given,
  );
  const { code, fields, message, retryAfterMs } = readDetails(error);
  return { code, fields: fields.map(({ field, rule }) => `${field} ${rule}`), message, retryAfterMs };
}
const INVALID = 3;
const nothingLeft = () => eventually("no upload is left", () => open.size === 0);

const stat = (client: BlobServiceClient, blobId: string) => callUnary(client, BlobServiceService.statBlob, { blobId });

test("a file of the largest size is stored under its hash, byte by byte", async () => {
  const bytes = randomBytes(BLOB_BYTES_MAX);
  const answer = await put(clients.shop, bytes, { sha256: hashOf(bytes) });
  const expiresAt = new Date(clock.now() + BLOB_UNUSED_KEEP_MS);
  assert.deepEqual(answer, { blobId: hashOf(bytes), bytes: bytes.length, expiresAt });
  const blob = await store.blobs.find("shop", answer.blobId);
  assert.equal(blob?.chunkCount, 20);
  assert.ok((await readBlob(store.blobs, blob))?.equals(bytes));
  assert.deepEqual(await stat(clients.shop, answer.blobId), answer);
  await nothingLeft();
});

test("the same file of an app has one id and one copy, whatever its chunks", async () => {
  const bytes = randomBytes(2 * MIB + 5);
  const first = await put(clients.shop, bytes);
  const before = await store.blobs.find("shop", first.blobId);
  const again = await put(clients.shop, bytes, { chunkSize: 30_000 });
  assert.equal(again.blobId, first.blobId);
  assert.equal((await store.blobs.find("shop", first.blobId))?.upload, before?.upload);
});

test("another app's blob is not found, and putting the same file gives that app its own", async () => {
  const bytes = randomBytes(1_000);
  const { blobId } = await put(clients.shop, bytes);
  const ofBank = await faultOf(stat(clients.bank, blobId));
  assert.deepEqual(ofBank, await faultOf(stat(clients.bank, "0".repeat(64))));
  assert.equal(ofBank.code, 5);
  assert.equal((await put(clients.bank, bytes)).blobId, blobId);
  assert.notEqual((await store.blobs.find("bank", blobId))?.upload, (await store.blobs.find("shop", blobId))?.upload);
});

test("a file that is longer or shorter than its header says is refused, and leaves nothing", async () => {
  const bytes = randomBytes(MIB + 10);
  for (const size of [bytes.length - 1, bytes.length + 1]) {
    const fault = await faultOf(put(clients.shop, bytes, { size }));
    assert.deepEqual([fault.code, fault.fields], [INVALID, ["header.size blob.size"]]);
  }
  await nothingLeft();
  assert.equal(await store.blobs.find("shop", hashOf(bytes)), undefined);
});

test("a file with another hash than its header says is refused, and leaves nothing", async () => {
  const bytes = randomBytes(1_000);
  const fault = await faultOf(put(clients.shop, bytes, { sha256: "0".repeat(64) }));
  assert.deepEqual([fault.code, fault.fields], [INVALID, ["header.sha256 blob.sha256"]]);
  await nothingLeft();
  assert.equal(await store.blobs.find("shop", hashOf(bytes)), undefined);
});

test("21 MiB are refused by their header, before any of it is read", async () => {
  const fault = await faultOf(put(clients.shop, randomBytes(21 * MIB)));
  assert.deepEqual([fault.code, fault.fields], [INVALID, ["header.size int32.gte_lte"]]);
  assert.equal(open.size, 0);
});

test("messages that are out of order, empty or too large are refused", async () => {
  const cases: [PutBlobRequest[], string[]][] = [
    [[], ["part blob.header"]],
    [[{ part: undefined }], ["part required"]],
    [[chunk(Buffer.from("a"))], ["part blob.header"]],
    [[header(2), header(2)], ["part blob.chunk"]],
    [[header(2), chunk(Buffer.alloc(0))], ["chunk chunk.bytes"]],
    [[header(200_000), chunk(Buffer.alloc(65_537))], ["chunk chunk.bytes"]],
    [[header(200_000), chunk(Buffer.alloc(70_000))], []],
    [[header(2, "ABC")], ["header.sha256 string.pattern"]],
  ];
  for (const [messages, fields] of cases) {
    const upload = begin(clients.shop);
    await send(upload, messages);
    upload.call.end();
    const fault = await faultOf(upload.answer);
    assert.deepEqual([fault.code, fault.fields], [INVALID, fields], fault.message);
  }
  await nothingLeft();
});

test("a stream that falls silent is ended, and leaves nothing", async () => {
  const upload = begin(clients.shop);
  await send(upload, [header(100_000), chunk(Buffer.alloc(50_000))]);
  const fault = await faultOf(upload.answer);
  assert.equal(fault.code, INVALID);
  assert.match(fault.message, /no message came for 0\.3 s/);
  await nothingLeft();
});

test("a stream that is cancelled half way leaves nothing", async () => {
  const upload = begin(clients.shop);
  await send(upload, [header(3 * MIB)]);
  await send(upload, chunksOf(randomBytes(2 * MIB)));
  await eventually("it is under way", () => open.size === 1);
  upload.call.cancel();
  assert.equal((await faultOf(upload.answer)).code, 1);
  await nothingLeft();
});

test("without a known key nothing is read", async () => {
  assert.equal((await faultOf(put(clients.stranger, randomBytes(2 * MIB)))).code, 16);
  assert.equal(open.size, 0);
});

test("a store that is slow holds the caller back, and one that fails is answered UNAVAILABLE", async () => {
  const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
  putChunk = async (...given) => {
    await mayGoOn;
    return store.blobs.putChunk(...given);
  };
  const bytes = randomBytes(16 * MIB);
  const upload = begin(clients.shop);
  let sent = 0;
  const sending = (async () => {
    await send(upload, [header(bytes.length)]);
    for (const message of chunksOf(bytes)) {
      await send(upload, [message]);
      sent += 65_536;
    }
    upload.call.end();
  })();
  const settled = async () => {
    for (let seen = -1; seen !== sent || sent === 0; ) {
      seen = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  await settled();
  assert.ok(sent < PUT_BLOB.heldBytes + 2 * MIB, `${sent} bytes were taken while the store stood still`);
  goOn();
  await sending;
  assert.equal((await upload.answer).blobId, hashOf(bytes));
  putChunk = () => Promise.reject(new Error("away"));
  assert.equal((await faultOf(put(clients.shop, randomBytes(2 * MIB)))).code, 14);
  putChunk = undefined;
  await nothingLeft();
});

test("uploads of an app beyond its share of the bytes under way are told to come later, and another app's is taken", async () => {
  const uploads = Array.from({ length: 40 }, () => begin(clients.shop));
  await Promise.all(uploads.map((upload) => send(upload, [header(100_000), chunk(Buffer.alloc(1_000))])));
  const answers = await Promise.all(uploads.map(({ answer }) => faultOf(answer)));
  const told = answers.filter(({ code }) => code === 8);
  assert.ok(told.length >= 28, "at most 12 are taken, which end because they fall silent");
  assert.ok(told.every(({ retryAfterMs }) => retryAfterMs === 1_000));
  const bytes = randomBytes(1_000);
  assert.equal((await put(clients.bank, bytes)).blobId, hashOf(bytes));
  await nothingLeft();
});
