// An app's share of a queue, on a real stream: what it has there is counted by the stream itself.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import { ALONE_MS, QUEUED_MIN } from "../../core/delivery/share.ts";
import { consumerName, streamName, taskSubject } from "../../core/delivery/subjects.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { startNats } from "../../test/support/servers.ts";
import { sampleApp } from "../../test/support/store/samples.ts";
import { BLIND_MAX, createAppShares } from "./app-shares.ts";
import { connectNats, type Nats, natsVariables } from "./connect.ts";
import { createQueueDepths } from "./queue-depth.ts";
import { ensureStreams, streamVariables } from "./streams.ts";

const config = readConfig(streamVariables, {});
let server: LocalServer;
let nats: Nats;

before(async () => {
  server = await startNats();
  nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), createLogger("test", "error", { write() {} }));
  await ensureStreams(nats, config, ["sms"]);
});
after(async () => {
  await nats[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const publish = (app: string | undefined, count: number) =>
  Promise.all(Array.from({ length: count }, () => jetstream(nats).publish(taskSubject("sms", "critical", app), "task")));
const queueOf = (app: string) => ({ channel: "sms", notificationClass: "critical", app }) as const;

async function sharesOf(weights: Record<string, number> = {}) {
  const clock = createFakeClock();
  const apps = { find: async (id: string) => sampleApp({ id, limits: { weight: weights[id] ?? 1 } }) };
  const shares = createAppShares({ depths: await createQueueDepths(nats), apps, clock });
  return {
    shares,
    clock,
    /** By a new reading, and with the weights read. */
    async room(app: string) {
      clock.advance(500);
      await shares.room(queueOf(app));
      await new Promise(setImmediate);
      return shares.room(queueOf(app));
    },
  };
}

test("an app may fill the queue up to its bound, and one that comes later still gets in", async () => {
  await (await jetstreamManager(nats)).streams.purge(streamName("sms"));
  const { shares, room } = await sharesOf();
  await room("another");
  const rooms = [await room("ads")];
  let taken = 0;
  while (shares.take(queueOf("ads"))) taken++;
  assert.equal(taken, rooms[0], "by its own count until the next reading");
  await publish("ads", taken);
  for (let left = await room("ads"); left > 0; left = await room("ads")) {
    rooms.push(left);
    await publish("ads", left);
  }
  assert.equal(
    rooms.reduce((sum, each) => sum + each),
    QUEUED_MIN,
  );
  assert.equal(shares.take(queueOf("ads")), false);
  assert.equal(await room("bank"), QUEUED_MIN / 4, "half of its share at a time");
});

test("a weight of three is three times the share", async () => {
  const { room } = await sharesOf({ bank: 3 });
  assert.equal(await room("bank"), (QUEUED_MIN * 3) / 8);
});

test("tasks being handled count as the app's, and while dispatchers ask for more there is more room", async () => {
  await (await jetstreamManager(nats)).streams.purge(streamName("sms"));
  await publish("ads", QUEUED_MIN);
  const consumer = await jetstream(nats).consumers.get(streamName("sms"), consumerName("sms", "critical"));
  const handled = await consumer.fetch({ max_messages: QUEUED_MIN, expires: 2_000 });
  for await (const _ of handled);
  const { shares, room } = await sharesOf();
  await room("another");
  assert.ok((await room("ads")) < QUEUED_MIN / 2);
  const pull = consumer.next({ expires: 2_000 });
  for (let i = 0; i < 10; i++) {
    await room("ads");
    while (shares.take(queueOf("ads")));
  }
  assert.ok((await room("ads")) >= QUEUED_MIN / 2, "dispatchers are not left idle");
  await pull;
});

test("tasks without an app, as earlier versions publish them, are delivered too, and wait before those that come later", async () => {
  await (await jetstreamManager(nats)).streams.purge(streamName("sms"));
  await publish(undefined, QUEUED_MIN);
  const { room } = await sharesOf();
  await room("another");
  assert.equal(await room("ads"), QUEUED_MIN / 2, "they are no app's, so that each app comes up to its share");
  await publish("ads", 1);
  const consumer = await jetstream(nats).consumers.get(streamName("sms"), consumerName("sms", "critical"));
  const messages = await consumer.fetch({ max_messages: QUEUED_MIN + 1, expires: 2_000 });
  const subjects = new Set<string>();
  for await (const message of messages) subjects.add(message.subject);
  assert.deepEqual(subjects, new Set(["carillon.sms.critical", "carillon.sms.critical.ads"]));
});

test("an app that no other one disturbed fills twice as much, until another comes", async () => {
  await (await jetstreamManager(nats)).streams.purge(streamName("sms"));
  const { room, clock } = await sharesOf();
  assert.equal(await room("ads"), QUEUED_MIN, "half of it at a time");
  assert.equal(await room("bank"), QUEUED_MIN / 2);
  assert.equal(await room("ads"), QUEUED_MIN / 2);
  clock.advance(ALONE_MS);
  assert.equal(await room("ads"), QUEUED_MIN);
  await publish("bank", 1);
  assert.ok((await room("ads")) <= QUEUED_MIN / 2);
});

test("before the queue was read an app may publish a batch, and not everything", async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const clock = createFakeClock();
  const shares = createAppShares({ depths: { read: () => promise }, apps: { find: async () => undefined }, clock });
  for (let i = 0; i < BLIND_MAX; i++) assert.ok(shares.take(queueOf("ads")));
  assert.equal(shares.take(queueOf("ads")), false);
  assert.ok(shares.take(queueOf("bank")));
  resolve(undefined);
  await new Promise(setImmediate);
  assert.ok(shares.take(queueOf("ads")), "it was tried: nothing is held back because of a queue that cannot be read");
});

test("where the queue cannot be read nothing is held back", async () => {
  const clock = createFakeClock();
  const shares = createAppShares({ depths: { read: async () => undefined }, apps: { find: async () => undefined }, clock });
  assert.equal(await shares.room(queueOf("ads")), Number.POSITIVE_INFINITY);
  for (let i = 0; i < 1_000; i++) assert.ok(shares.take(queueOf("ads")));
});
