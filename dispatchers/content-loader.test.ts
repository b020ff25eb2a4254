import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeTask, encodeTask } from "../adapters/nats/task-codec.ts";
import type { Content } from "../core/content/content.ts";
import { toTask } from "../core/delivery/task.ts";
import type { ContentStore } from "../core/ports/content-store.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { CONTENT_UNREADABLE_WAIT_MS, createContentLoader } from "./content-loader.ts";
import { createDispatchMetrics } from "./metrics.ts";

const world = useDispatchWorld();
const HASH = "ab".repeat(32);
const content: Content = { sms: { text: "by reference" } };

function setUp(contents: Partial<ContentStore> = {}) {
  const lines: string[] = [];
  const { dispatch, sent } = world.setUp();
  const metrics = createDispatchMetrics(createMetrics("test"));
  const store = { ...world.store, contents: { ...world.store.contents, ...contents } };
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const load = createContentLoader(dispatch, {
    channel: "sms",
    store,
    recorder: world.recorder,
    worker: "w1",
    clock: world.clock,
    log,
    metrics,
  });
  const why = async () => (await metrics.settled.get()).values.map(({ labels, value }) => [labels.settlement, labels.why, value]);
  return { load, sent, lines, why };
}

const keep = () => world.store.contents.put([{ app: "app", hash: HASH, content, keepUntil: Number.MAX_SAFE_INTEGER }]);

/** As it comes off the queue. */
function referring(over: Partial<DeliveryTask> = {}): DeliveryTask {
  const record = { ...world.notification, content: {}, contentHashes: { sms: HASH } };
  return decodeTask(encodeTask({ ...toTask(record, record.deliveries[0]!), ...over }), "")!;
}

test("sends the content that the store has", async () => {
  const { load, sent } = setUp();
  await keep();
  assert.equal((await load(referring(), "h")).kind, "ack");
  assert.deepEqual(
    sent().map((delivery) => delivery.content),
    [content],
  );
});

test("reads nothing for a task that brings its content", async () => {
  const { load, sent } = setUp({ get: () => assert.fail("nothing to read") });
  await load(world.task(), "h");
  assert.deepEqual(sent()[0]?.content.sms, { text: "hello" });
});

test("returns the task to the queue, unclaimed, while the store cannot be read", async () => {
  const { load, sent, lines, why } = setUp({ get: () => Promise.reject(new Error("away")) });
  for (let n = 0; n < 2; n++) assert.deepEqual(await load(referring(), "h"), { kind: "nak", delayMs: CONTENT_UNREADABLE_WAIT_MS });
  assert.deepEqual(await why(), [["nak", "content-unreadable", 2]]);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ level, err }) => [level, err.message]),
    [["warn", "away"]],
    "logged once, however many tasks wait",
  );
  assert.deepEqual([sent(), await world.store.attempts.find([`${world.notification.id}-0/1`])], [[], []]);
  assert.equal((await world.delivery()).state, "pending");
});

test("fails a delivery whose content is missing, so that no copy of the task is sent later", async () => {
  const { load, sent, lines, why } = setUp();
  assert.equal((await load(referring(), "h")).kind, "ack");
  const { state, reason } = await world.delivery();
  assert.deepEqual([state, reason], ["failed", { code: "content-lost" }]);
  assert.deepEqual(await why(), [["ack", "content-lost", 1]]);
  assert.equal((JSON.parse(lines[0]!) as { level: string }).level, "error");
  await keep();
  await load(referring(), "h2");
  assert.deepEqual(sent(), []);
});

test("leaves the delivery to the worker that claimed it", async () => {
  const { load } = setUp();
  const task = referring();
  const now = world.clock.now();
  const { deliveryId } = task;
  await world.store.attempts.claim([
    { id: `${deliveryId}/1`, deliveryId, number: 1, worker: "w2", provider: "twilio", startedAt: now, deadlineAt: now + 1 },
  ]);
  assert.equal((await load(task, "h")).kind, "ack");
  assert.equal((await world.delivery()).state, "pending");
});

test("ends what has expired as expired, whether or not its content was purged", async () => {
  const { load } = setUp({ get: () => assert.fail("nothing to read") });
  world.clock.advance(world.notification.expiresAt - world.clock.now());
  await load(referring(), "h");
  assert.equal((await world.delivery()).state, "expired");
});

test("asks the provider about an attempt without its content, where that was purged", async () => {
  const { load, why } = setUp();
  assert.equal((await load(referring({ statusQuery: true }), "h")).kind, "ack");
  assert.deepEqual(await why(), []);
  assert.equal((await world.delivery()).state, "pending");
});
