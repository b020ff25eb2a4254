import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { ProxyTracerProvider } from "@opentelemetry/api";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import { CLASSES } from "../../core/delivery/channel.ts";
import { consumerName, streamName } from "../../core/delivery/subjects.ts";
import { toTask } from "../../core/delivery/task.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Settlement } from "../../core/ports/queue.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { type FaultyLine, startFaultyLine } from "../../test/support/faulty-line.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { startNats } from "../../test/support/servers.ts";
import { connectNats, type Nats, natsVariables } from "./connect.ts";
import { consumeTasks } from "./consume.ts";
import { createTaskPublisher } from "./publish.ts";
import { ensureStreams, streamVariables } from "./streams.ts";

const log = createLogger("test", "error", { write() {} });
const config = readConfig(streamVariables, {});
const sms = streamName("sms");
const FOR_EVER_MS = 3_600_000;
let server: LocalServer;
/** Connects directly, not by the faulty line. */
let nats: Nats;
const connected = (url: string) => connectNats(readConfig(natsVariables, { NATS_URL: url }), log);

before(async () => {
  server = await startNats();
  nats = await connected(server.url);
});
beforeEach(async () => {
  await ensureStreams(nats, config, ["sms"]);
  await (await jetstreamManager(nats)).streams.purge(sms);
});
after(async () => {
  await nats[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function publish(count: number, name: string): Promise<void> {
  const publisher = createTaskPublisher(nats, log);
  for (let i = 0; i < count; i++) {
    const n = { ...sampleNotification(`${name} ${i}`, Date.now()), notificationClass: "critical" as const };
    assert.ok(await publisher.publish(toTask(n, n.deliveries[0]!)));
  }
}
const info = async () => (await jetstreamManager(nats)).consumers.info(sms, consumerName("sms", "critical"));
const waitingPulls = async () => (await info()).num_waiting;

interface Consuming {
  line: FaultyLine;
  nats: Nats;
  handled: string[];
  underWay(): number;
  mostUnderWay(): number;
  /** Settles the running tasks and every later one. */
  finish(): void;
  drain(): Promise<void>;
}

/** A dispatcher behind a faulty line; its tasks stay unsettled until finish() is called. */
async function consuming(
  work: (consuming: Consuming) => Promise<void>,
  {
    inFlightMax = 4,
    ensure = () => ensureStreams(nats, config, ["sms"]),
    clock = systemClock as Clock,
    settlement = { kind: "ack" } as Settlement,
  } = {},
): Promise<void> {
  await using line = await startFaultyLine([{ host: "127.0.0.1", port: server.port }]);
  await using theirs = await connected(`nats://${line.address}`);
  const stop = new AbortController();
  const handled: string[] = [];
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  let [underWay, most] = [0, 0];
  const handle = async ({ messageId }: { messageId: string }): Promise<Settlement> => {
    handled.push(messageId);
    most = Math.max(most, ++underWay);
    await finished;
    underWay--;
    return settlement;
  };
  const tracer = new ProxyTracerProvider().getTracer("test");
  const drained = consumeTasks(theirs, handle, {
    ...{ channel: "sms", worker: "w", heldMax: () => inFlightMax, signal: stop.signal, clock, log, tracer, ensure },
  });
  const drain = () => {
    stop.abort();
    return drained;
  };
  try {
    await work({ line, nats: theirs, handled, underWay: () => underWay, mostUnderWay: () => most, finish, drain });
  } finally {
    line.set(undefined);
    finish();
    await drain();
  }
}

/** Deadline of a promise, in ms: far above the expected duration, below the duration of the fault. */
const within = (limitMs: number, promise: Promise<unknown>): Promise<boolean> =>
  withDeadline(
    promise.then(() => true),
    { limitMs },
    () => false,
  );

test("a connection lost in the middle of a pull leads to no more tasks than can be started", () =>
  consuming(async ({ line, underWay, mostUnderWay, handled, finish }) => {
    await publish(2, "before");
    await eventually("begun", () => underWay() === 2);
    await eventually("pulling", async () => (await waitingPulls()) === 1);
    line.set({ kind: "cut" });
    // Until then it would send a task into the lost connection, and count it as held until ack_wait has passed.
    await eventually("the server has noticed", async () => (await waitingPulls()) === 0);
    await publish(6, "meanwhile");
    line.set(undefined);
    await eventually("full", async () => underWay() >= 4 && (await waitingPulls()) === 0);
    assert.deepEqual([mostUnderWay(), (await info()).num_ack_pending], [4, 4]);
    finish();
    await eventually("all are handled", async () => new Set(handled).size === 8 && (await info()).num_ack_pending === 0);
  }));

test("a drain does not wait for an unavailable server", () =>
  consuming(async ({ line, drain }) => {
    await eventually("pulling", async () => (await waitingPulls()) === 1);
    line.set({ kind: "cut" });
    assert.ok(await within(10_000, drain()), "still waiting");
  }));

test("a drain during the wait after a fault creates nothing", async () => {
  // Of each class, and of the check of the streams.
  let [ensured, waits] = [0, 0];
  const ensure = async () => void ensured++;
  const sleep = (_: number, signal?: AbortSignal) => {
    waits++;
    return systemClock.sleep(FOR_EVER_MS, signal);
  };
  await consuming(
    async ({ drain }) => {
      await eventually("pulling", async () => (await waitingPulls()) === 1);
      await (await jetstreamManager(nats)).streams.delete(sms);
      await eventually("interrupted", () => waits === CLASSES.length + 1);
      await drain();
      assert.equal(ensured, 0);
    },
    { ensure, clock: { ...systemClock, sleep } },
  );
});

test("a task returned with a fractional number of milliseconds is delayed for that time", async () => {
  const again = { kind: "nak", delayMs: FOR_EVER_MS + Math.PI } as const;
  await consuming(
    async ({ handled, finish }) => {
      finish();
      await publish(1, "given back");
      await eventually("given back", async () => handled.length > 0 && (await info()).num_ack_pending === 1);
      // Pulled later, so after the server has processed the nak.
      await publish(1, "next");
      await eventually("next", () => new Set(handled).size === 2);
      assert.deepEqual([handled.length, (await info()).num_redelivered], [2, 0]);
    },
    { settlement: again },
  );
});
