import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { BLOB_BYTES_MAX } from "../core/content/blob.ts";
import { contentToProto } from "../core/content/content.ts";
import type { Attachment } from "../core/content/email-content.ts";
import { CONTENT_BOUNDS } from "../core/content/reference.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { Notification } from "../gen/carillon/v1/notification_service.ts";
import { type AcceptWorld, CALLING_APP, createAcceptWorld, errorOf, smsMessage } from "../test/support/accept-world.ts";

let world: AcceptWorld;
beforeEach(async () => {
  world = await createAcceptWorld();
});
afterEach(() => world.store[Symbol.asyncDispose]());

const ID = "ab".repeat(32);

/** Bytes are not looked at here, so there are none. */
async function put(bytes: number, { app = CALLING_APP.id, id = ID } = {}): Promise<void> {
  const upload = `${app} ${id}`;
  await world.store.blobs.begin(upload, world.clock.now());
  await world.store.blobs.commit({ app, id, bytes, upload, chunkCount: 0, keepUntil: world.clock.now() + 1_000 });
}

const stored = (blobId = ID): Attachment => ({ filename: "a.pdf", contentType: "application/pdf", blobId });
const mail = (key: string, attachments: Attachment[], over: Partial<Notification> = {}): Notification =>
  smsMessage(key, {
    recipient: { to: { $case: "endpoint", value: { address: { $case: "emailAddress", value: "ada@example.com" } } } },
    content: contentToProto({ email: { subject: "s", html: "", text: "t", attachments } }),
    ...over,
  });
const fieldsOf = (result: Parameters<typeof errorOf>[0]) => errorOf(result)?.fields?.map(({ field, rule }) => `${field} ${rule}`);

test("a blob is kept before the notification that refers to it is stored, and as long as contents are", async () => {
  await put(100);
  const [result] = await world.setUp().send(mail("a", [stored()]));
  assert.equal(result?.kind, "accepted");
  assert.deepEqual(result.record.blobIds, [ID]);
  const blob = await world.store.blobs.find(CALLING_APP.id, ID);
  assert.ok(blob && blob.keepUntil >= result.record.expiresAt + CONTENT_BOUNDS.keepMs);
  assert.deepEqual(world.published[0]?.needs, ["rich-email", "blobs"]);
});

test("many notifications with one blob write it once, and one that lives longer writes it again", async () => {
  await put(100);
  const kept: number[] = [];
  const keep: BlobStore["keep"] = (app, id, keepUntil) => {
    kept.push(keepUntil);
    return world.store.blobs.keep(app, id, keepUntil);
  };
  const { send } = world.setUp({ blobs: { ...world.store.blobs, keep } });
  await send(...Array.from({ length: 20 }, (_, i) => mail(`k${i}`, [stored(), stored()])));
  assert.equal(kept.length, 1);
  const later = new Date(world.clock.now() + 20 * 86_400_000);
  const [result] = await send(mail("later", [stored()], { expiresAt: later }));
  assert.equal(result?.kind, "accepted");
  assert.deepEqual((await world.store.blobs.find(CALLING_APP.id, ID))?.keepUntil, kept[1]);
  assert.ok(kept[1]! > later.getTime());
});

test("another app's blob and one that does not exist are told alike, each by its field; nothing is stored", async () => {
  await put(100);
  await put(100, { app: "other", id: "cd".repeat(32) });
  const { send } = world.setUp();
  const [ofOther, unknown] = await send(mail("a", [stored(), stored("cd".repeat(32))]), mail("b", [stored(), stored("ef".repeat(32))]));
  assert.deepEqual(fieldsOf(ofOther), ["notifications[0].content.email.attachments[1].blob_id blob.found"]);
  assert.deepEqual(fieldsOf(unknown), ["notifications[1].content.email.attachments[1].blob_id blob.found"]);
  assert.equal(await world.storedCount(), 0);
  await put(100, { id: "ef".repeat(32) });
  assert.equal((await send(mail("b", [stored("ef".repeat(32))])))[0]?.kind, "accepted", "its absence is not remembered");
});

test("stored and given files have 20 MiB in all", async () => {
  await put(BLOB_BYTES_MAX - 3);
  const given = (bytes: number): Attachment => ({
    ...{ filename: "b.txt", contentType: "text/plain" },
    base64: Buffer.alloc(bytes).toString("base64"),
  });
  const [fits, tooLarge] = await world.setUp().send(mail("a", [stored(), given(3)]), mail("b", [stored(), given(4)]));
  assert.equal(fits?.kind, "accepted");
  assert.deepEqual(fieldsOf(tooLarge), ["notifications[1].content.email.attachments attachments.bytes"]);
});

test("a call that only validates keeps nothing", async () => {
  await put(100);
  const before = await world.store.blobs.find(CALLING_APP.id, ID);
  const { accepting } = world.setUp();
  const item = { message: mail("a", [stored()]), path: "notification", violations: [], validateOnly: true };
  assert.equal((await accepting.accept(CALLING_APP, [item]))[0]?.kind, "accepted");
  assert.deepEqual(await world.store.blobs.find(CALLING_APP.id, ID), before);
});

test("while blobs cannot be read the answer is UNAVAILABLE, and the next call asks again", async () => {
  await put(100);
  let isAway = true;
  const keep: BlobStore["keep"] = (...given) => (isAway ? Promise.reject(new Error("away")) : world.store.blobs.keep(...given));
  const { send } = world.setUp({ blobs: { ...world.store.blobs, keep } });
  assert.equal(errorOf((await send(mail("a", [stored()])))[0])?.code, "UNAVAILABLE");
  isAway = false;
  assert.equal((await send(mail("a", [stored()])))[0]?.kind, "accepted");
});
