import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import type { NotificationClass } from "../../core/delivery/channel.ts";
import { consumerName, streamName, taskSubject } from "../../core/delivery/subjects.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { startNats } from "../../test/support/servers.ts";
import { connectNats, type Nats, natsVariables } from "./connect.ts";
import { createQueueLag } from "./queue-lag.ts";
import { ensureStreams, streamVariables } from "./streams.ts";

const config = readConfig(streamVariables, {});
const sms = streamName("sms");
const HOUR_MS = 3_600_000;
let server: LocalServer;
let nats: Nats;
let jsm: JetStreamManager;

before(async () => {
  server = await startNats();
  nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), createLogger("test", "error", { write() {} }));
  jsm = await jetstreamManager(nats);
  await ensureStreams(nats, config, ["sms"]);
});
afterEach(async () => {
  await ensureStreams(nats, config, ["sms"]);
  await jsm.streams.purge(sms);
});
after(async () => {
  await nats[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** Each test has its own period. */
async function publish(notificationClass: NotificationClass): Promise<number> {
  const { seq } = await jetstream(nats).publish(taskSubject("sms", notificationClass), "task");
  const at = (await jsm.streams.getMessage(sms, { seq }))!.time.getTime();
  while (Date.now() <= at + 2) await new Promise(setImmediate);
  return at;
}
const handOut = async (notificationClass: NotificationClass) => {
  const consumer = await jetstream(nats).consumers.get(sms, consumerName("sms", notificationClass));
  return (await consumer.next({ expires: 2_000 }))!;
};
/** With a clock that may differ from the server's. */
async function waitingSince(notificationClass: NotificationClass, aheadMs = 0) {
  const lag = await createQueueLag(nats, { now: () => Date.now() + aheadMs, monotonic: () => 0 });
  return lag.waitingSince("sms", notificationClass);
}
/** Tolerance: the clocks advance during a request. */
function isAbout(found: number | undefined, wanted: number): void {
  assert.ok(found !== undefined && Math.abs(found - wanted) < 1_000, `${found}, not ${wanted}`);
}

test("where no task waits, every published task has been delivered, including those returned with a delay", async () => {
  assert.equal(await waitingSince("critical"), Number.POSITIVE_INFINITY);
  await publish("critical");
  await publish("marketing");
  (await handOut("critical")).nak(60_000);
  assert.equal(await waitingSince("critical"), Number.POSITIVE_INFINITY);
});

test("the oldest task never delivered counts, of its class alone, by this process's clock", async () => {
  const first = await publish("critical");
  const second = await publish("critical");
  const other = await publish("marketing");
  isAbout(await waitingSince("critical"), first);
  isAbout(await waitingSince("critical", HOUR_MS), first + HOUR_MS);
  isAbout(await waitingSince("critical", -HOUR_MS), first - HOUR_MS);
  await handOut("critical");
  const afterOne = (await waitingSince("critical"))!;
  assert.ok(afterOne >= second - 1_000 && afterOne > first - 1_000);
  isAbout(await waitingSince("marketing"), other);
  await handOut("critical");
  assert.equal(await waitingSince("critical"), Number.POSITIVE_INFINITY);
});

test("a task removed by a purge or by recreating the stream no longer counts", async () => {
  await publish("critical");
  await jsm.streams.purge(sms);
  assert.equal(await waitingSince("critical"), Number.POSITIVE_INFINITY);
  await publish("critical");
  await jsm.streams.delete(sms);
  await ensureStreams(nats, config, ["sms"]);
  assert.equal(await waitingSince("critical"), Number.POSITIVE_INFINITY);
});

test("the lag is unknown for a paused or missing consumer and for a missing stream", async () => {
  await publish("critical");
  await jsm.consumers.pause(sms, consumerName("sms", "critical"), new Date(Date.now() + HOUR_MS));
  assert.equal(await waitingSince("critical"), undefined);
  await jsm.consumers.delete(sms, consumerName("sms", "critical"));
  assert.equal(await waitingSince("critical"), undefined);
  await jsm.streams.delete(sms);
  assert.equal(await waitingSince("critical"), undefined);
});

test("a server that does not answer delays the caller briefly, and is asked again only after a second", async () => {
  let now = 0;
  const lag = await createQueueLag(nats, { now: Date.now, monotonic: () => now });
  await publish("critical");
  const next = async () => {
    now += 1_000;
    return lag.waitingSince("sms", "critical");
  };
  process.kill(server.pid!, "SIGSTOP");
  try {
    // A signal takes a moment to stop all threads.
    while ((await next()) !== undefined);
  } finally {
    process.kill(server.pid!, "SIGCONT");
  }
  now += 999;
  assert.equal(await lag.waitingSince("sms", "critical"), undefined);
  let found: number | undefined;
  while (found === undefined) found = await next();
  assert.ok(Number.isFinite(found));
});
