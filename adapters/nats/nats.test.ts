import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { context, ProxyTracerProvider, trace } from "@opentelemetry/api";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import { CLASSES } from "../../core/delivery/channel.ts";
import { consumerName, streamName, taskMessageId, taskSubject } from "../../core/delivery/subjects.ts";
import { toTask } from "../../core/delivery/task.ts";
import type { DeliveryTask, Settlement } from "../../core/ports/queue.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { startTracing } from "../../runtime/tracing.ts";
import { eventually } from "../../test/support/eventually.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { startNats } from "../../test/support/servers.ts";
import { connectNats, type Nats, natsVariables } from "./connect.ts";
import { type ConsumeOptions, consumeTasks } from "./consume.ts";
import { createTaskPublisher } from "./publish.ts";
import { ensureStreams, streamVariables } from "./streams.ts";
import { decodeTask, encodeTask } from "./task-codec.ts";

const log = createLogger("test", "error", { write() {} });
const config = readConfig(streamVariables, {});
let server: LocalServer;
let nats: Nats;

before(async () => {
  server = await startNats();
  nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
  await ensureStreams(nats, config, ["sms"]);
});
after(async () => {
  await nats[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function sampleTask(key: string, over: Partial<DeliveryTask> = {}): DeliveryTask {
  const n = sampleNotification(key, Date.now());
  return { ...toTask(n, n.deliveries[0]!), ...over };
}

/** Consumes until `work` is done; returns the handled tasks by delivery id. */
const consumeOptions = (signal: AbortSignal, inFlightMax: number): ConsumeOptions => ({
  ...{ channel: "sms", worker: "w", heldMax: () => inFlightMax, signal, clock: systemClock, log },
  tracer: new ProxyTracerProvider().getTracer("test"),
  ensure: () => ensureStreams(nats, config, ["sms"]),
});

async function consuming(
  handle: (task: DeliveryTask, times: number) => Settlement,
  work: (handled: Map<string, number>) => Promise<void>,
): Promise<void> {
  const handled = new Map<string, number>();
  const stop = new AbortController();
  const done = consumeTasks(
    nats,
    async ({ task }) => {
      if (!task) return { kind: "term" };
      const times = (handled.get(task.deliveryId) ?? 0) + 1;
      handled.set(task.deliveryId, times);
      return handle(task, times);
    },
    consumeOptions(stop.signal, 10),
  );
  try {
    await work(handled);
  } finally {
    stop.abort();
    await done;
  }
}

const pending = async () => (await (await jetstreamManager(nats)).streams.info(streamName("sms"))).state.messages;

test("a task survives encoding and decoding, and other bytes give undefined", () => {
  const task = sampleTask("codec", { policyResend: true, collapseKey: "c", attempt: 3, publication: 2 });
  assert.deepEqual(decodeTask(encodeTask(task), taskMessageId(task.deliveryId, 3, 2)), {
    ...task,
    content: { push: undefined, sms: { text: "hello" }, email: undefined },
  });
  assert.equal(decodeTask(new Uint8Array([255, 1, 2]), ""), undefined);
  assert.equal(decodeTask(new Uint8Array(), ""), undefined);
});

test("every class of a channel is published, consumed once and gone from the stream", async () => {
  const publisher = createTaskPublisher(nats, log);
  const tasks = CLASSES.map((notificationClass) => sampleTask(notificationClass, { notificationClass }));
  await consuming(
    () => ({ kind: "ack" }),
    async (handled) => {
      assert.deepEqual(await Promise.all(tasks.map((t) => publisher.publish(t))), [true, true, true]);
      await eventually("all are gone", async () => handled.size === 3 && (await pending()) === 0);
      assert.deepEqual([...handled.values()], [1, 1, 1]);
    },
  );
});

test("a copy published twice is stored once, and the next publication is stored as another copy", async () => {
  const publisher = createTaskPublisher(nats, log);
  const task = sampleTask("copies");
  assert.ok(await publisher.publish(task));
  assert.ok(await publisher.publish(task));
  assert.equal(await pending(), 1);
  assert.ok(await publisher.publish({ ...task, publication: 1 }));
  assert.equal(await pending(), 2);
  await consuming(
    () => ({ kind: "ack" }),
    () => eventually("both are gone", async () => (await pending()) === 0),
  );
});

test("more tasks than the concurrency limit are all published", async () => {
  const publisher = createTaskPublisher(nats, log);
  const tasks = Array.from({ length: 3_000 }, (_, i) => sampleTask(`many-${i}`));
  const published = await Promise.all(tasks.map((t) => publisher.publish(t)));
  assert.ok(published.every((p) => p));
  assert.equal(await pending(), 3_000);
  await (await jetstreamManager(nats)).streams.purge(streamName("sms"));
});

test("a task that is not acknowledged is redelivered, and so is one whose handler throws", async () => {
  const publisher = createTaskPublisher(nats, log);
  await publisher.publish(sampleTask("nak"));
  await consuming(
    (_, times) => (times < 3 ? { kind: "nak", delayMs: 10 } : { kind: "ack" }),
    async (handled) => {
      await eventually("it is gone", async () => handled.size === 1 && (await pending()) === 0);
      assert.deepEqual([...handled.values()], [3]);
    },
  );
});

test("a message that is not a task is terminated, and the tasks behind it are handled", async () => {
  nats.publish(taskSubject("sms", "critical"), new Uint8Array([255, 255]));
  await createTaskPublisher(nats, log).publish(sampleTask("behind", { notificationClass: "critical" }));
  await consuming(
    () => ({ kind: "ack" }),
    (handled) => eventually("both are gone", async () => handled.size === 1 && (await pending()) === 0),
  );
});

test("a stream that is deleted during consumption is created again, and its tasks are handled", async () => {
  const publisher = createTaskPublisher(nats, log);
  await consuming(
    () => ({ kind: "ack" }),
    async (handled) => {
      await (await jetstreamManager(nats)).streams.delete(streamName("sms"));
      assert.equal(await publisher.publish(sampleTask("lost")), false);
      await eventually("published again", () => publisher.publish(sampleTask("after")));
      await eventually("handled", () => handled.size === 1);
    },
  );
});

test("a drain that begins while the consumer is being queried ends it", async () => {
  const stop = new AbortController();
  const draining = consumeTasks(nats, async () => ({ kind: "ack" }), consumeOptions(stop.signal, 4));
  stop.abort();
  await draining;
});

test("after a drain and close the server knows every settlement, and tasks that were not started go to other workers at once", async () => {
  const closing = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
  const publisher = createTaskPublisher(nats, log);
  for (let i = 0; i < 8; i++) await publisher.publish(sampleTask(`drained ${i}`));
  const stop = new AbortController();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: answer, resolve: end } = Promise.withResolvers<Settlement>();
  const handle = () => {
    begin();
    return answer;
  };
  const draining = consumeTasks(closing, handle, consumeOptions(stop.signal, 4));
  await begun;
  stop.abort();
  end({ kind: "ack" });
  await draining;
  await closing[Symbol.asyncDispose]();
  // Much sooner than ack_wait, which is a minute.
  await consuming(
    () => ({ kind: "ack" }),
    (handled) => eventually("others have handled the rest", async () => handled.size > 0 && (await pending()) === 0),
  );
});

test("a drain in the middle of work settles every pulled task, and the others go to other workers at once", async () => {
  const publisher = createTaskPublisher(nats, log);
  await Promise.all(Array.from({ length: 600 }, (_, i) => publisher.publish(sampleTask(`under load ${i}`))));
  for (let pod = 0; pod < 4; pod++) {
    const closing = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
    const stop = new AbortController();
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    let handled = 0;
    const handle = async (): Promise<Settlement> => {
      if (++handled === 60) resolve();
      await systemClock.sleep(1 + (handled % 7));
      return { kind: "ack" };
    };
    const draining = consumeTasks(closing, handle, { ...consumeOptions(stop.signal, 20), worker: `w${pod}` });
    await enough;
    stop.abort();
    await draining;
    await closing[Symbol.asyncDispose]();
  }
  await consuming(
    () => ({ kind: "ack" }),
    () => eventually("others have handled the rest", async () => (await pending()) === 0),
  );
});

test("streams and consumers are as they were declared, and declaring them again changes nothing", async () => {
  await ensureStreams(nats, config, ["sms"]);
  const jsm = await jetstreamManager(nats);
  const stream = (await jsm.streams.info(streamName("sms"))).config;
  assert.deepEqual([stream.retention, stream.discard, stream.storage, stream.max_age], ["workqueue", "new", "file", 0]);
  const consumer = (await jsm.consumers.info(streamName("sms"), consumerName("sms", "critical"))).config;
  assert.deepEqual(
    [consumer.ack_policy, consumer.max_deliver, consumer.filter_subjects],
    ["explicit", -1, ["carillon.sms.critical", "carillon.sms.critical.*"]],
  );
});

test("the caller's trace continues in the task's handler", async () => {
  await using tracing = await startTracing("test", { exporterUrl: "" });
  void tracing;
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  let seen: string | undefined;
  await consuming(
    () => {
      seen = trace.getSpanContext(context.active())?.traceId;
      return { kind: "ack" };
    },
    async () => {
      await createTaskPublisher(nats, log).publish(sampleTask("traced", { traceparent: `00-${traceId}-b7ad6b7169203331-01` }));
      await eventually("handled", () => seen !== undefined);
    },
  );
  assert.equal(seen, traceId);
});
