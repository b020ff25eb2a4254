import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connectNats, natsVariables } from "../adapters/nats/connect.ts";
import { createTaskPublisher } from "../adapters/nats/publish.ts";
import { createQueueLag } from "../adapters/nats/queue-lag.ts";
import { ensureStreams, streamVariables } from "../adapters/nats/streams.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { UNCERTAIN_WAIT_MS } from "../core/delivery/decide.ts";
import { IN_DOUBT_REPEATS } from "../core/delivery/in-doubt.ts";
import { consumerName, streamName, taskMessageId } from "../core/delivery/subjects.ts";
import { systemClock } from "../runtime/clock.ts";
import { readConfig } from "../runtime/config.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { ignoreEvents } from "../test/support/changes.ts";
import { noShares } from "../test/support/no-shares.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { startNats } from "../test/support/servers.ts";
import { createRelayMetrics } from "./metrics.ts";
import { createRelay } from "./relay.ts";

const BACKLOG = 20;
/** Copies are due at once, so that each iteration is the watchdog's. */
const WATCHDOG_MS = 1;
const sms = streamName("sms");

test("a backlog older than the watchdog is not published again while it waits, and all of it once it is gone", async () => {
  await using server = await startNats();
  const log = createLogger("test", "error", { write() {} });
  await using nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
  await ensureStreams(nats, readConfig(streamVariables, {}), ["sms"]);
  await using store = await openStore("sqlite::memory:");
  const metrics = createRelayMetrics(createMetrics("test", { defaults: false }));
  const relay = createRelay({
    shares: noShares,
    ...{ store, log, metrics, worker: "relay", pollMs: 1, clock: systemClock, random: Math.random },
    ...{
      uncertainWaitMs: UNCERTAIN_WAIT_MS,
      inDoubtRepeats: IN_DOUBT_REPEATS,
      confirmationOf: () => ({ statusQueryTellsMs: undefined, sendsReceipts: true }),
      statusQueryFirstMs: () => undefined,
      watchdogFirstMs: WATCHDOG_MS,
      failpoint: () => {},
      recorder: ignoreEvents,
    },
    publisher: createTaskPublisher(nats, log),
    queue: await createQueueLag(nats, systemClock),
  });
  const jsm = await jetstreamManager(nats);
  const inStream = async () => (await jsm.streams.info(sms)).state.messages;
  const waitingEvaluations = async () =>
    (await metrics.evaluations.get()).values.find(({ labels }) => labels.kind === "waiting")?.value ?? 0;
  const iterateUntil = async (until: () => Promise<boolean>) => {
    for (const began = Date.now(); !(await until()); ) {
      assert.ok(Date.now() - began < 20_000, "does not come to it");
      await relay.iterate();
    }
  };

  const records = Array.from({ length: BACKLOG }, (_, i) => {
    const id = `${i}`.padStart(32, "0");
    const n = sampleNotification(id, Date.now(), { id });
    return { ...n, deliveries: n.deliveries.map((d) => ({ ...d, id: `${id}-0` })) };
  });
  await store.notifications.insert(records);
  await iterateUntil(async () => (await inStream()) === BACKLOG);

  await iterateUntil(async () => (await waitingEvaluations()) >= 3 * BACKLOG);
  assert.equal(await inStream(), BACKLOG);
  const found = await Promise.all(records.map(({ id }) => store.notifications.find(id)));
  assert.ok(found.every((n) => n!.deliveries[0]!.publishCount === 1));

  await jsm.streams.purge(sms);
  await iterateUntil(async () => (await inStream()) >= BACKLOG);
  const consumer = await jetstream(nats).consumers.get(sms, consumerName("sms", records[0]!.notificationClass));
  const copies = new Set<string>();
  while (copies.size < BACKLOG) copies.add((await consumer.next({ expires: 2_000 }))!.headers!.get("Nats-Msg-Id"));
  assert.deepEqual([...copies].sort(), records.map(({ id }) => taskMessageId(`${id}-0`, 1, 1)).sort());
});
