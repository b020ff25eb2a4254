import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { ProxyTracerProvider } from "@opentelemetry/api";
import { connectNats, natsVariables } from "../adapters/nats/connect.ts";
import { consumeTasks } from "../adapters/nats/consume.ts";
import { createTaskPublisher } from "../adapters/nats/publish.ts";
import { createWorkload, startReporting } from "../adapters/nats/report.ts";
import { ensureStreams, streamVariables } from "../adapters/nats/streams.ts";
import { streamName } from "../core/delivery/subjects.ts";
import { toTask } from "../core/delivery/task.ts";
import type { Settlement } from "../core/ports/queue.ts";
import { ExternalScalerClient, ExternalScalerService } from "../gen/externalscaler/externalscaler.ts";
import { systemClock } from "../runtime/clock.ts";
import { readConfig } from "../runtime/config.ts";
import { callUnary, createClient } from "../runtime/grpc/client.ts";
import { readDetails } from "../runtime/grpc/status.ts";
import { createLogger } from "../runtime/logger.ts";
import { eventually } from "../test/support/eventually.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { startNats } from "../test/support/servers.ts";
import { role } from "./main.ts";

const log = createLogger("test", "error", { write() {} });

test("tasks in the queue ask for pods, parked ones do not, and a lost server keeps the required rate", async () => {
  await using server = await startNats();
  await using directory = await mkdtempDisposable(join(tmpdir(), "carillon-autoscaler-"));
  await using nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
  const config = readConfig(streamVariables, {});
  await ensureStreams(nats, config);
  const channels = join(directory.path, "channels.json");
  writeFileSync(channels, JSON.stringify({ sms: { targetRatePerPod: 5, drainMs: 10_000, rateLimitPerSecond: null } }));
  await using autoscaler = await role.start({
    ...{ LOG_LEVEL: "error", HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", NATS_URL: server.url, AUTOSCALER_LISTEN: "127.0.0.1:0" },
    ...{ AUTOSCALER_SAMPLE_MS: "200", AUTOSCALER_CHANNELS_FILE: channels },
  });
  using client = createClient(ExternalScalerClient, autoscaler.addresses.grpc!);
  const object = (channel: string) => ({ name: "n", namespace: "ns", scalerMetadata: { channel } });
  const rate = async (channel = "sms") => {
    const request = { scaledObjectRef: object(channel), metricName: "" };
    const { metricValues } = await callUnary(client, ExternalScalerService.getMetrics, request);
    return metricValues[0]!.metricValueFloat;
  };
  const metric = async (name: string) => {
    const printed = await (await fetch(`http://${autoscaler.addresses.http}/metrics`)).text();
    const found = new RegExp(`^${name}\\{[^}]*channel="sms"[^}]*\\} (\\S+)$`, "m").exec(printed)?.[1];
    return found === undefined ? undefined : Number(found);
  };

  const { metricSpecs } = await callUnary(client, ExternalScalerService.getMetricSpec, object("sms"));
  assert.equal(metricSpecs[0]?.targetSizeFloat, 5);
  const unknown = await rate().then(() => assert.fail("no rate can be known yet"), readDetails);
  assert.match(unknown.message, /not been observed for long enough|not been read yet/);
  assert.equal(await metric("carillon_required_per_second"), undefined);
  await eventually("the rate is known", () =>
    rate().then(
      () => true,
      () => false,
    ),
  );
  assert.equal(await rate(), 0);

  const publisher = createTaskPublisher(nats, log);
  const notification = sampleNotification("one", Date.now());
  for (let i = 0; i < 100; i++)
    await publisher.publish({ ...toTask(notification, notification.deliveries[0]!), publication: i, notificationClass: "marketing" });
  await eventually("the rate asks for pods", async () => (await rate()) >= 10);
  assert.equal(await metric("carillon_queue_backlog_count"), 100);
  assert.equal(await rate("email"), 0);
  assert.equal((await callUnary(client, ExternalScalerService.isActive, object("sms"))).result, true);

  // A pod returns all of them with a delay.
  const stopping = new AbortController();
  const workload = createWorkload(systemClock);
  const settle = async (): Promise<Settlement> => ({ kind: "nak", delayMs: 600_000 });
  const tracer = new ProxyTracerProvider().getTracer("test");
  const consuming = consumeTasks(nats, settle, {
    ...{ channel: "sms", worker: "pod", heldMax: () => 50, signal: stopping.signal, clock: systemClock, log, tracer, workload },
    ensure: () => ensureStreams(nats, config, ["sms"]),
  });
  await using _reporting = startReporting(nats, { channel: "sms", worker: "pod", workload, clock: systemClock });
  await eventually("all is parked", async () => (await metric("carillon_queue_parked_count")) === 100);
  await eventually("no backlog is left", async () => (await metric("carillon_queue_backlog_count")) === 0);
  assert.ok((await metric("carillon_queue_ack_pending_ratio"))! > 0);
  assert.equal((await callUnary(client, ExternalScalerService.isActive, object("sms"))).result, true);
  stopping.abort();
  await consuming;

  await server.kill();
  await eventually("the rate is held", async () => (await metric("carillon_scaling_held_count")) === 1);
  const held = await rate();
  assert.ok(held > 0);
  assert.equal(await metric("carillon_required_per_second"), held);
  await server.restart();
  await eventually("the hold ends", async () => (await metric("carillon_scaling_held_count")) === 0);

  // An unreadable queue does not count as empty.
  await (await jetstreamManager(nats)).streams.delete(streamName("sms"));
  await eventually("the loss is detected", async () => (await metric("carillon_scaling_held_count")) === 1);
  assert.ok((await rate()) > 0);
});
