import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyTracerProvider } from "@opentelemetry/api";
import { reportSubject } from "../../core/delivery/subjects.ts";
import { toTask } from "../../core/delivery/task.ts";
import type { Settlement } from "../../core/ports/queue.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { startNats } from "../../test/support/servers.ts";
import { connectNats, natsVariables } from "./connect.ts";
import { consumeTasks } from "./consume.ts";
import { createTaskPublisher } from "./publish.ts";
import { createWorkload, REPORT_MS, type Report, readReport, STALLED_MS, startReporting, subscribeReports } from "./report.ts";
import { ensureStreams, streamVariables } from "./streams.ts";

const log = createLogger("test", "error", { write() {} });
const NOTHING = { parked: 0, called: 0, failed: 0, busyMs: 0 };

test("what was handed back to the store is reported until its time has come", () => {
  const clock = createFakeClock();
  const workload = createWorkload(clock);
  workload.handedBack(5_000);
  workload.handedBack(1_000);
  assert.deepEqual(workload.take(), { ...NOTHING, waiting: 2 });
  clock.advance(2_000);
  assert.deepEqual(workload.take(), { ...NOTHING, waiting: 1 });
  clock.advance(4_000);
  assert.deepEqual(workload.take(), NOTHING);
  assert.deepEqual(readReport(new TextEncoder().encode(JSON.stringify({ worker: "w", ...NOTHING, waiting: 7 }))), {
    worker: "w",
    ...NOTHING,
    waiting: 7,
  });
  assert.equal(readReport(new TextEncoder().encode(JSON.stringify({ worker: "w", ...NOTHING, waiting: -1 }))), undefined);
});

test("a returned task is parked until its delay has passed", () => {
  const clock = createFakeClock();
  const workload = createWorkload(clock);
  workload.givenBack(1_000);
  workload.givenBack(5_000);
  assert.equal(workload.take().parked, 2);
  clock.advance(1_000);
  assert.equal(workload.take().parked, 1);
  clock.advance(4_000);
  assert.deepEqual(workload.take(), NOTHING);
});

test("calls are counted once they have ended, with the time they took, and once only", () => {
  const clock = createFakeClock();
  const workload = createWorkload(clock);
  const [good, bad] = [workload.calling(), workload.calling()];
  clock.advance(200);
  good("done");
  assert.deepEqual(workload.take(), { ...NOTHING, called: 1, busyMs: 200 });
  clock.advance(100);
  bad("failed");
  bad("failed");
  assert.deepEqual(workload.take(), { ...NOTHING, called: 1, failed: 1, busyMs: 300 });
  assert.deepEqual(workload.take(), NOTHING);
});

test("a stalled call counts as failed once, and not again when it ends", () => {
  const clock = createFakeClock();
  const workload = createWorkload(clock);
  const ended = workload.calling();
  clock.advance(STALLED_MS - 1);
  assert.deepEqual(workload.take(), NOTHING);
  clock.advance(1);
  assert.deepEqual(workload.take(), { ...NOTHING, called: 1, failed: 1, busyMs: STALLED_MS });
  clock.advance(7_000);
  ended("failed");
  assert.deepEqual(workload.take(), NOTHING);
});

test("of a provider that is slow but answers less than half counts as failed", () => {
  const clock = createFakeClock();
  const workload = createWorkload(clock);
  const slow = workload.calling();
  clock.advance(STALLED_MS + 1_000);
  const { called, failed } = workload.take();
  slow("done");
  const after = workload.take();
  assert.deepEqual([called + after.called, failed + after.failed], [3, 1]);
});

test("a pod's reports arrive on its channel, also after the server was unavailable, and none after it has ended", async () => {
  await using server = await startNats();
  await using nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
  let connected = true;
  void (async () => {
    for await (const { type } of nats.status()) if (type === "disconnect" || type === "reconnect") connected = type === "reconnect";
  })();
  const received: [string, Report][] = [];
  using _subscription = subscribeReports(nats, ["sms", "email"], (channel, report) => received.push([channel, report]));
  const clock = createFakeClock();
  const workload = createWorkload(clock);
  const reporting = startReporting(nats, { channel: "sms", worker: "pod-1", workload, clock });
  await nats.flush();

  workload.givenBack(60_000);
  workload.calling()("failed");
  clock.advance(REPORT_MS);
  await eventually("the first report is received", () => received.length === 1);
  assert.deepEqual(received, [["sms", { worker: "pod-1", parked: 1, called: 1, failed: 1, busyMs: 0 }]]);

  // An invalid report is ignored.
  for (const text of ["", "{", "null", "[]", '{"worker":"pod-2"}']) nats.publish(reportSubject("email"), text);
  await server.kill();
  await eventually("the connection is lost", () => !connected);
  for (let i = 0; i < 5; i++) {
    clock.advance(REPORT_MS);
    await new Promise(setImmediate);
  }
  assert.equal(received.length, 1);
  await server.restart();
  await eventually("the connection is back", () => connected);
  clock.advance(REPORT_MS);
  await eventually("the next report is received", () => received.length === 2);
  await reporting[Symbol.asyncDispose]();
  clock.advance(REPORT_MS);
  await nats.flush();
  assert.equal(received.length, 2);
});

test("a task returned with a delay is parked, unless it only waits for a limit of Carillon", async () => {
  await using server = await startNats();
  await using nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
  const config = readConfig(streamVariables, {});
  await ensureStreams(nats, config, ["sms"]);
  const publisher = createTaskPublisher(nats, log);
  const notification = sampleNotification("one", Date.now());
  const settlements: Settlement[] = [
    { kind: "nak", delayMs: 60_000 },
    { kind: "nak", delayMs: 60_000, ready: true },
    { kind: "ack" },
    { kind: "term" },
  ];
  for (const [publication] of settlements.entries())
    await publisher.publish({ ...toTask(notification, notification.deliveries[0]!), publication });
  const workload = createWorkload(systemClock);
  const stopping = new AbortController();
  let handled = 0;
  const consuming = consumeTasks(nats, async () => settlements[handled++]!, {
    ...{ channel: "sms", worker: "w", heldMax: () => 10, signal: stopping.signal, clock: systemClock, log, workload },
    tracer: new ProxyTracerProvider().getTracer("test"),
    ensure: () => ensureStreams(nats, config, ["sms"]),
  });
  await eventually("all are settled", () => handled === settlements.length);
  stopping.abort();
  await consuming;
  assert.equal(workload.take().parked, 1);
});

test("a report needs all counts", () => {
  const report = { worker: "pod-1", parked: 1, called: 2, failed: 1, busyMs: 250 };
  const read = (value: unknown) => readReport(new TextEncoder().encode(JSON.stringify(value)));
  assert.deepEqual(read({ ...report, more: true }), report);
  for (const wrong of [
    { worker: 1 },
    { worker: "x".repeat(301) },
    { parked: -1 },
    { called: "2" },
    { failed: null },
    { busyMs: undefined },
  ])
    assert.equal(read({ ...report, ...wrong }), undefined, JSON.stringify(wrong));
  assert.equal(readReport(new Uint8Array([255, 254])), undefined);
});
