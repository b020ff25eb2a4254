import assert from "node:assert/strict";
import { kill } from "node:process";
import { after, before, beforeEach, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import { streamName, taskMessageId, taskSubject } from "../../core/delivery/subjects.ts";
import { toTask } from "../../core/delivery/task.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { startNats } from "../../test/support/servers.ts";
import { connectNats, type Nats, natsVariables } from "./connect.ts";
import { createTaskPublisher } from "./publish.ts";
import type { PublishLimits } from "./publish-acks.ts";
import { ensureStreams, streamVariables } from "./streams.ts";

/** No test waits so long: what ends in it did not end by its deadline. */
const NEVER_MS = 3_600_000;
const LIMITS: PublishLimits = { answerMs: NEVER_MS, inFlightMax: 1_000, pendingMax: 1_000, pendingBytesMax: 1_000_000 };

const lines: string[] = [];
const log = createLogger("test", "warn", { write: (line) => void lines.push(line) });
const config = readConfig(streamVariables, {});
let server: LocalServer;
let nats: Nats;

const connect = () => connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
before(async () => {
  server = await startNats();
  nats = await connect();
});
after(async () => {
  await nats[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await eventually("streams are there", () =>
    ensureStreams(nats, config, ["sms"]).then(
      () => true,
      () => false,
    ),
  );
  await (await streams()).purge(streamName("sms"));
});

const streams = async () => (await jetstreamManager(nats)).streams;
const stored = async () => (await (await streams()).info(streamName("sms"))).state.messages;

function sampleTask(key: string, over: Partial<DeliveryTask> = {}): DeliveryTask {
  const n = sampleNotification(key, Date.now());
  return { ...toTask(n, n.deliveries[0]!), ...over };
}
const sampleTasks = (count: number, name: string) => Array.from({ length: count }, (_, i) => sampleTask(`${name}-${i}`));

/** The server neither reads nor answers meanwhile. */
async function whilePaused(work: () => Promise<void>): Promise<void> {
  const { pid } = server;
  kill(pid!, "SIGSTOP");
  try {
    await work();
  } finally {
    kill(pid!, "SIGCONT");
  }
}

test("a task is stored under its message id, with its trace", async () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const task = sampleTask("ids", { attempt: 3, publication: 2, traceparent });
  assert.ok(await createTaskPublisher(nats, log).publish(task));
  const message = await (await streams()).getMessage(streamName("sms"), {
    last_by_subj: taskSubject("sms", task.notificationClass, task.app),
  });
  assert.equal(message?.header.get("Nats-Msg-Id"), taskMessageId(task.deliveryId, 3, 2));
  assert.equal(message?.header.get("traceparent"), traceparent);
});

test("more tasks than may be in flight are all stored, each once, two publishers on one connection included", async () => {
  const publishers = [1, 2].map(() => createTaskPublisher(nats, log, { ...LIMITS, inFlightMax: 3 }));
  const tasks = sampleTasks(200, "many");
  const published = await Promise.all(tasks.flatMap((task) => publishers.map((publisher) => publisher.publish(task))));
  assert.ok(published.every(Boolean));
  assert.equal(await stored(), 200);
});

test("a full stream rejects a task at once, and takes it when it has room", async () => {
  await (await streams()).update(streamName("sms"), { max_msgs: 2 });
  const publisher = createTaskPublisher(nats, log, LIMITS);
  lines.length = 0;
  const tasks = sampleTasks(3, "full");
  assert.deepEqual((await Promise.all(tasks.map((task) => publisher.publish(task)))).sort(), [false, true, true]);
  assert.ok(lines.some((line) => /error 10077: maximum messages exceeded/.test(line) && /tasks cannot be published/.test(line)));
  await (await streams()).purge(streamName("sms"));
  assert.ok(await publisher.publish(sampleTask("room")));
  await (await streams()).update(streamName("sms"), { max_msgs: -1 });
});

test("without its stream a task fails at once", async () => {
  await (await streams()).delete(streamName("sms"));
  const publisher = createTaskPublisher(nats, log, LIMITS);
  assert.equal(await publisher.publish(sampleTask("missing")), false);
  await ensureStreams(nats, config, ["sms"]);
  assert.ok(await publisher.publish(sampleTask("created")));
});

test("only an answer of a stream with a sequence counts as stored", async () => {
  const answers: [string, boolean][] = [
    ['{"stream":"CARILLON_FCM","seq":7}', true],
    ['{"stream":"CARILLON_FCM","seq":7,"duplicate":true}', true],
    ['{"stream":"CARILLON_FCM","seq":0,"duplicate":true}', false],
    ['{"stream":"","seq":7}', false],
    ['{"stream":"CARILLON_FCM"}', false],
    ['{"stream":"CARILLON_FCM","seq":"7"}', false],
    ['{"error":{"code":503,"err_code":10008,"description":"system temporarily unavailable"},"stream":"CARILLON_FCM","seq":0}', false],
    ["null", false],
    ["{", false],
    ["", false],
  ];
  await using stream = await connect();
  let asked = 0;
  // No stream has this channel's subjects: this is who answers.
  stream.subscribe("carillon.fcm.>", { callback: (_, message) => void message.respond(answers[asked++]![0]) });
  await stream.flush();
  const publisher = createTaskPublisher(nats, log, LIMITS);
  for (const [answer, isStored] of answers)
    assert.equal(await publisher.publish(sampleTask(`answer-${answer}`, { channel: "fcm" })), isStored, answer);
  assert.equal(asked, answers.length);
});

test("what the server does not answer fails at its deadline, and is stored once when it is published again", async () => {
  const publisher = createTaskPublisher(nats, log, { ...LIMITS, answerMs: 50 });
  const tasks = sampleTasks(20, "slow");
  await whilePaused(async () => {
    assert.deepEqual(
      await Promise.all(tasks.map((task) => publisher.publish(task))),
      tasks.map(() => false),
    );
  });
  // The answers to the first copies come too late, to numbers that no publish has any more.
  for (const task of tasks) await eventually("stored", () => publisher.publish(task));
  assert.equal(await stored(), 20);
});

test("tasks beyond the limits fail at once, and those within them are stored", async () => {
  const { promise, resolve } = Promise.withResolvers<boolean[]>();
  await whilePaused(async () => {
    const byNumber = createTaskPublisher(nats, log, { ...LIMITS, inFlightMax: 2, pendingMax: 5 });
    const within = sampleTasks(5, "within").map((task) => byNumber.publish(task));
    assert.equal(await byNumber.publish(sampleTask("beyond")), false);
    const byBytes = createTaskPublisher(nats, log, { ...LIMITS, pendingBytesMax: 2_000 });
    const text = (length: number) => ({ push: undefined, sms: { text: "x".repeat(length) }, email: undefined });
    within.push(byBytes.publish(sampleTask("bytes", { content: text(1_400) })));
    assert.equal(await byBytes.publish(sampleTask("too many bytes", { content: text(1_400) })), false);
    resolve(Promise.all(within));
  });
  assert.deepEqual(await promise, [true, true, true, true, true, true]);
  assert.equal(await stored(), 6);
});

test("publishes under way end with the connection, those after it fail at once, and the next connection serves again", async () => {
  await using own = await connect();
  const publisher = createTaskPublisher(own, log, { ...LIMITS, inFlightMax: 4 });
  assert.ok(await publisher.publish(sampleTask("before")));
  kill(server.pid!, "SIGSTOP");
  const underWay = Promise.all(sampleTasks(10, "lost").map((task) => publisher.publish(task)));
  await server.kill();
  assert.deepEqual([...new Set(await underWay)], [false]);
  assert.equal(await publisher.publish(sampleTask("without")), false);
  await server.restart();
  await eventually("published again", () => publisher.publish(sampleTask("again")));
});

test("publishes under way end when the connection is closed, and those after it fail", async () => {
  const own = await connect();
  const publisher = createTaskPublisher(own, log, { ...LIMITS, inFlightMax: 4 });
  assert.ok(await publisher.publish(sampleTask("before")));
  await whilePaused(async () => {
    const underWay = Promise.all(sampleTasks(10, "closed").map((task) => publisher.publish(task)));
    await own[Symbol.asyncDispose]();
    assert.deepEqual([...new Set(await underWay)], [false]);
  });
  assert.equal(await publisher.publish(sampleTask("after")), false);
});
