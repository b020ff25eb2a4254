import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeTask, encodeTask } from "../adapters/nats/task-codec.ts";
import type { Attachment } from "../core/content/email-content.ts";
import { toTask } from "../core/delivery/task.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { createBlobLoader, NO_ROOM_WAIT_MS } from "./blob-loader.ts";
import type { BlobMemory } from "./blob-memory.ts";
import { CONTENT_UNREADABLE_WAIT_MS } from "./content-loader.ts";
import { createDispatchMetrics } from "./metrics.ts";

const world = useDispatchWorld();
const ID = "ab".repeat(32);
const FILE = Buffer.from("the file");

function setUp(over: { blobs?: Partial<BlobStore>; memory?: BlobMemory } = {}) {
  const lines: string[] = [];
  const { dispatch, sent } = world.setUp();
  const metrics = createDispatchMetrics(createMetrics("test"));
  const load = createBlobLoader(dispatch, {
    ...{ channel: "sms", recorder: world.recorder, worker: "w1", clock: world.clock, metrics },
    store: { ...world.store, blobs: { ...world.store.blobs, ...over.blobs } },
    log: createLogger("test", "info", { write: (line) => void lines.push(line) }),
    ...(over.memory ? { memory: over.memory } : {}),
  });
  const why = async () => (await metrics.settled.get()).values.map(({ labels, value }) => [labels.settlement, labels.why, value]);
  return { load, sent, lines, why };
}

async function put(app = "app"): Promise<void> {
  const upload = `upload of ${app}`;
  await world.store.blobs.begin(upload, Number.MAX_SAFE_INTEGER);
  await world.store.blobs.putChunk(upload, 0, FILE);
  await world.store.blobs.commit({
    ...{ app, id: ID, upload, bytes: FILE.length, chunkCount: 1 },
    keepUntil: Number.MAX_SAFE_INTEGER,
  });
}

const stored: Attachment = { filename: "a.pdf", contentType: "application/pdf", blobId: ID };
const given: Attachment = { filename: "b.pdf", contentType: "application/pdf", base64: "QUJD" };

/** As it comes off the queue. The channel of this world's tasks is SMS, and does not matter here. */
function attaching(over: Partial<DeliveryTask> = {}): DeliveryTask {
  const task = toTask(world.notification, world.notification.deliveries[0]!);
  const content = { ...task.content, email: { subject: "s", html: "", text: "t", attachments: [stored, given] } };
  return decodeTask(encodeTask({ ...task, content, ...over }), "")!;
}
const attachmentsOf = (sent: ReturnType<ReturnType<typeof setUp>["sent"]>) =>
  sent.map(({ content }) => content.email?.attachments?.map(({ base64 }) => base64));
const attempts = () => world.store.attempts.find([`${world.notification.id}-0/1`]);

test("reads the files of a mail in their places, and gives their room back once it is sent", async () => {
  let [held, released] = [0, 0];
  const memory: BlobMemory = {
    async hold(bytes) {
      held += bytes;
      return () => {
        released += bytes;
      };
    },
  };
  const { load, sent } = setUp({ memory });
  await put();
  assert.equal((await load(attaching(), "h")).kind, "ack");
  assert.deepEqual(attachmentsOf(sent()), [[FILE.toString("base64"), "QUJD"]]);
  assert.deepEqual([held, released], [FILE.length, FILE.length]);
});

test("returns the task to the queue, unclaimed, while blobs cannot be read", async () => {
  await put();
  for (const blobs of [{ find: () => Promise.reject(new Error("away")) }, { readChunk: () => Promise.reject(new Error("away")) }]) {
    const { load, sent, lines, why } = setUp({ blobs });
    assert.deepEqual(await load(attaching(), "h"), { kind: "nak", delayMs: CONTENT_UNREADABLE_WAIT_MS });
    assert.deepEqual(await why(), [["nak", "content-unreadable", 1]]);
    assert.equal(JSON.parse(lines[0]!).err.message, "away");
    assert.deepEqual([sent(), await attempts()], [[], []]);
  }
});

test("returns the task to the queue, unclaimed, where there is no room for its files", async () => {
  await put();
  const { load, sent, why } = setUp({ memory: { hold: async () => undefined } });
  assert.deepEqual(await load(attaching(), "h"), { kind: "nak", delayMs: NO_ROOM_WAIT_MS });
  assert.deepEqual(await why(), [["nak", "no-room-for-files", 1]]);
  assert.deepEqual([sent(), await attempts()], [[], []]);
});

test("ends a mail as failed whose file the store has no more, or has of another app alone", async () => {
  await put("other");
  const { load, sent, why } = setUp();
  assert.deepEqual(await load(attaching(), "h"), { kind: "ack" });
  const { state, reason } = (await world.store.notifications.find(world.notification.id))!.deliveries[0]!;
  assert.deepEqual([state, reason], ["failed", { code: "content-lost", detail: "an attachment's blob" }]);
  assert.deepEqual(await why(), [["ack", "content-lost", 1]]);
  assert.deepEqual(sent(), []);
});

test("ends a mail as failed of whose file a chunk is missing", async () => {
  await put();
  const { load, sent } = setUp({ blobs: { readChunk: async () => undefined } });
  await load(attaching(), "h");
  assert.equal((await world.store.notifications.find(world.notification.id))!.deliveries[0]!.state, "failed");
  assert.deepEqual(sent(), []);
});

test("reads nothing for what has expired, for a status query and for a mail without stored files", async () => {
  const { load } = setUp({ blobs: { find: () => assert.fail("nothing to read") } });
  await load(attaching({ expiresAt: world.clock.now() }), "h");
  await load(attaching({ statusQuery: true }), "h");
  await load(world.task(), "h");
});
