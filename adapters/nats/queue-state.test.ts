import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import { CHANNELS, CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import { consumerName, streamName, taskSubject } from "../../core/delivery/subjects.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { startNats } from "../../test/support/servers.ts";
import { connectNats, type Nats, natsVariables } from "./connect.ts";
import { createQueueReader, type QueueReader, type QueueState } from "./queue-state.ts";
import { ensureStreams, streamVariables } from "./streams.ts";

const log = createLogger("test", "error", { write() {} });
const config = readConfig(streamVariables, { NATS_ACK_PENDING_MAX: "10" });
const sms = streamName("sms");
let server: LocalServer;
let nats: Nats;
let read: QueueReader;

before(async () => {
  server = await startNats();
  nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
  read = await createQueueReader(nats);
  await ensureStreams(nats, config, ["sms"]);
});
afterEach(async () => {
  await ensureStreams(nats, config, ["sms"]);
  await (await jetstreamManager(nats)).streams.purge(sms);
});
after(async () => {
  await nats[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const publish = async (notificationClass: NotificationClass, count: number) => {
  for (let i = 0; i < count; i++) await jetstream(nats).publish(taskSubject("sms", notificationClass), "x".repeat(100));
};
const handOut = async (notificationClass: NotificationClass, count: number) => {
  const consumer = await jetstream(nats).consumers.get(sms, consumerName("sms", notificationClass));
  const taken = [];
  for (let i = 0; i < count; i++) taken.push((await consumer.next({ expires: 2_000 }))!);
  return taken;
};
async function state(askWaiting = false): Promise<QueueState> {
  const reading = await read("sms", askWaiting);
  assert.equal(reading.kind, "read", JSON.stringify(reading));
  return reading.kind === "read" ? reading.state : assert.fail();
}

test("an empty queue has no tasks and age 0", async () => {
  const { created, lastSequence: _, ...rest } = await state(true);
  assert.ok(Date.parse(created) > 0);
  const empty = { messages: 0, bytes: 0, bytesMax: 4_294_967_296, waiting: 0, handedOut: 0, ackPendingRatio: 0, oldestMs: 0 };
  assert.deepEqual(rest, { ...empty, oldestWaitingMs: 0 });
});

test("waiting and delivered tasks are counted over all classes, including those returned with a delay", async () => {
  const { lastSequence } = await state();
  for (const notificationClass of CLASSES) await publish(notificationClass, 4);
  const [first, second] = await handOut("marketing", 3);
  await handOut("critical", 1);
  first!.nak(60_000);
  await second!.ackAck();
  const { waiting, handedOut, messages, bytes, ackPendingRatio, ...rest } = await state();
  assert.deepEqual({ waiting, handedOut, messages, ackPendingRatio }, { waiting: 8, handedOut: 3, messages: 11, ackPendingRatio: 0.2 });
  assert.equal(rest.lastSequence, lastSequence + 12);
  assert.ok(bytes > 1_100);
});

test("the age is that of the oldest task, and, where requested, of the oldest one never delivered", async () => {
  await publish("critical", 1);
  await handOut("critical", 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 300);
  await promise;
  await publish("marketing", 1);
  const { oldestMs, oldestWaitingMs } = await state(true);
  assert.ok(oldestWaitingMs !== undefined && oldestMs >= oldestWaitingMs + 300, `${oldestMs}, ${oldestWaitingMs}`);
  assert.equal((await state()).oldestWaitingMs, undefined);
});

test("tasks of a class without a consumer count as waiting", async () => {
  await publish("marketing", 5);
  await publish("critical", 2);
  await (await jetstreamManager(nats)).consumers.delete(sms, consumerName("sms", "marketing"));
  const { waiting, handedOut } = await state();
  assert.deepEqual({ waiting, handedOut }, { waiting: 7, handedOut: 0 });
});

test("a recreated stream has another creation time", async () => {
  await publish("critical", 2);
  const before = await state();
  await (await jetstreamManager(nats)).streams.delete(sms);
  await ensureStreams(nats, config, ["sms"]);
  const after = await state();
  assert.notEqual(after.created, before.created);
  assert.equal(after.lastSequence, 0);
});

test("a missing stream is reported by its name", async () => {
  for (const channel of CHANNELS.filter((c) => c !== "sms"))
    assert.deepEqual(await read(channel, true), { kind: "unreadable", why: `there is no stream ${streamName(channel)}` });
});

test("a server that does not answer is reported, and read again when it is available", async () => {
  process.kill(server.pid!, "SIGSTOP");
  try {
    // A signal takes a moment to stop all threads.
    let reading = await read("sms", false);
    while (reading.kind === "read") reading = await read("sms", false);
    assert.deepEqual(reading, { kind: "unreadable", why: "NATS did not answer (TimeoutError)" });
  } finally {
    process.kill(server.pid!, "SIGCONT");
  }
  let last = await read("sms", false);
  while (last.kind !== "read") last = await read("sms", false);
});
