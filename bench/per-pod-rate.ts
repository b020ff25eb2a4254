// What does one task cost its dispatcher and the other services? Real servers; the providers run in another process and answer
// as late as real ones. The machine is shared, so the result is CPU time: a pod with half a core sends 500 / (CPU ms per task) per second.

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openStore } from "../adapters/store/open-store.ts";
import { type Clients, connectGateway } from "../cli/gateway/connect.ts";
import { contentToProto } from "../core/content/content.ts";
import { CHANNELS, type Channel, isPush } from "../core/delivery/channel.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { consumerName, streamName } from "../core/delivery/subjects.ts";
import { NotificationServiceService } from "../gen/carillon/v1/notification_service.ts";
import { POD_CORES } from "../operations/capacity/capacity.ts";
import { callUnary } from "../runtime/grpc/client.ts";
import { notification, phone, toEndpoint } from "../test/e2e/calls.ts";
import { describeMachine } from "./compare/machine.ts";
import type { ChannelRow, Cost, PodRateRun } from "./cost-sources.ts";
import { type DocumentSize, documentSizes } from "./document-sizes.ts";
import { recordRun, writeMeasuredCosts } from "./measured-costs.ts";
import { cpuMs, peakBytes } from "./process-cpu.ts";
import { startProgram } from "./program.ts";
import { liftQueueLimit } from "./queued.ts";
import { startRoles } from "./roles.ts";
import { storedNotification } from "./stored-notification.ts";
import { type Reading, shown, slicesOf } from "./summary.ts";
import { startWorld } from "./world.ts";

/** A provider's response time, in ms. Assumed. */
const ANSWER_MS: Readonly<Record<Channel, number>> = { apns: 50, fcm: 50, webpush: 50, sms: 150, email: 150 };
const PROVIDER: Readonly<Record<Channel, string>> = { apns: "apns", fcm: "fcm", webpush: "webpush", sms: "twilio", email: "sendgrid" };
const HTML = `<p>${"Your order is on its way. ".repeat(80)}</p>`;
const BATCH = 100;
/** Limit of one run of one channel; beyond it the machine is too busy to measure. */
const RUN_MS = 240_000;
const READ_EVERY_MS = 50;
/** Wait for the last tasks of a run; those still uncertain after it do not count. */
const IDLE_MS = 10_000;
/** Length of a period of low load, and the pause between two of its notifications. */
const CALM_MS = 10_000;
const CALM_EVERY_MS = 40;
/** Share of the tasks to wait for: a busy machine moves some to the end of the queue. */
const ENOUGH = 0.97;

const { values } = parseArgs({
  options: {
    store: { type: "string", default: "sqlite" },
    tasks: { type: "string", default: "5000" },
    slice: { type: "string", default: "1000" },
    channels: { type: "string", default: CHANNELS.join(",") },
    json: { type: "boolean", default: false },
    // Records the run, and writes what follows from it: measured-costs.ts in operations/capacity/, the chart's targets, docs/capacity.md.
    write: { type: "boolean", default: false },
  },
});
const [tasks, slice] = [Number(values.tasks), Number(values.slice)];
const channels = CHANNELS.filter((c) => values.channels.split(",").includes(c));
const origin = describeMachine();
const say = (line: string) => process.stderr.write(`${line}\n`);

await using stack = new AsyncDisposableStack();
const world = stack.use(await startWorld(values.store));
const { directory, env, storeUrl, manager, apiKey, role } = world;

const sandbox = stack.use(startProgram(["sandbox/main.ts", "--directory", join(directory, "sandbox")]));
const sandboxState = JSON.parse(await sandbox.printed((text) => text.trimEnd().endsWith("}"))) as {
  env: Record<string, string>;
  adminUrl: string;
};
Object.assign(env, sandboxState.env, { FEEDBACK_URL: env.FEEDBACK_URL });
const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const response = await fetch(new URL(path, sandboxState.adminUrl), { method, ...(body ? { body: JSON.stringify(body) } : {}) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  return response.status === 204 ? undefined : response.json();
};
const stored = async (channel: Channel) => (await manager.streams.info(streamName(channel))).state;

const { preferences, gateway, feedback } = await startRoles(stack, world, "gateway", "feedback");
env.TWILIO_STATUS_CALLBACK_URL = `http://${feedback.addresses.webhooks}/twilio`;
await ask("POST", "/webhooks", { target: `http://${feedback.addresses.webhooks}` });
using clients: Clients = connectGateway(gateway.addresses.grpc ?? "", apiKey);

let endpoints = 0;
async function endpointOf(channel: Channel): Promise<Endpoint> {
  const n = String(++endpoints);
  switch (channel) {
    case "apns":
    case "fcm":
      return { channel, token: n.padStart(64, "a") };
    case "webpush":
      return {
        channel,
        ...((await ask("GET", `/webpush/subscriptions/laptop-${n}`)) as { pushUrl: string; p256dh: string; auth: string }),
      };
    case "sms":
      return phone(`+49151${n.padStart(8, "0")}`);
    case "email":
      return { channel, address: `ada-${n}@example.com` };
  }
}
const PUSH = { title: "Your order", body: "It is on its way and arrives today.", data: { order: "1017" } };
const contentFor = (channel: Channel) => ({
  push: isPush(channel) ? PUSH : undefined,
  sms: channel === "sms" ? { text: "Your order 1017 is on its way and arrives today." } : undefined,
  email: channel === "email" ? { subject: "Your order", html: HTML, text: "Your order is on its way." } : undefined,
});
const requestTo = (endpoint: Endpoint) =>
  notification({ recipient: toEndpoint(endpoint), content: contentToProto(contentFor(endpoint.channel)) });

/** Of the caller's texts, keys and values. */
function contentBytes(channel: Channel): number {
  const { push, sms, email } = contentFor(channel);
  const texts = push ? [push.title, push.body, ...Object.entries(push.data).flat()] : Object.values(sms ?? email ?? {});
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

/** Reads the processes' CPU time while `count` grows to `end`. */
async function readings(pids: readonly number[], count: () => Promise<number> | number, end: number): Promise<Reading[]> {
  const taken: Reading[] = [];
  const giveUpAt = performance.now() + RUN_MS;
  for (;;) {
    const now = await count();
    taken.push({ count: now, at: performance.now(), cpu: pids.map(cpuMs) });
    if (now >= end * ENOUGH) return taken;
    if (performance.now() > giveUpAt) {
      say(`  only ${now} of ${end} within ${RUN_MS / 1_000} s`);
      return taken;
    }
    await delay(READ_EVERY_MS);
  }
}

const costs: Cost[] = [];

/** Sends half of the tasks by Send, 32 calls at a time, and half by SendBatch, and measures gateway and preferences. */
async function fill(channel: Channel): Promise<void> {
  const requests = await Promise.all(Array.from({ length: tasks }, async () => requestTo(await endpointOf(channel))));
  const half = Math.floor(tasks / 2);
  await liftQueueLimit({ manager }, channel);
  for (const way of ["Send", "SendBatch"] as const) {
    const mine = way === "Send" ? requests.slice(0, half) : requests.slice(half);
    let done = 0;
    const caller = async (): Promise<void> => {
      for (let some = mine.splice(0, way === "Send" ? 1 : BATCH); some.length > 0; some = mine.splice(0, way === "Send" ? 1 : BATCH)) {
        if (way === "Send")
          await callUnary(clients.notifications, NotificationServiceService.sendNotification, {
            notification: some[0],
            validateOnly: false,
          });
        else
          await callUnary(
            clients.notifications,
            NotificationServiceService.batchSendNotifications,
            { notifications: some },
            { deadlineMs: 30_000 },
          );
        done += some.length;
      }
    };
    const calling = Promise.all(Array.from({ length: way === "Send" ? 32 : 4 }, caller));
    const taken = await readings([gateway.pid, preferences.pid], () => done, (way === "Send" ? half : tasks - half) - BATCH);
    await calling;
    const { perSecond, cpuMsEach } = slicesOf(taken, tasks / 10);
    costs.push({ what: `gateway, ${way}, ${channel}`, perSecond, cpuMs: cpuMsEach[0]! });
    costs.push({ what: `preferences, ${way}, ${channel}`, perSecond, cpuMs: cpuMsEach[1]! });
  }
}

/** Has the relay publish all tasks, and measures the relay. */
async function fillByRelay(channel: Channel): Promise<void> {
  const now = Date.now();
  await using store = await openStore(storeUrl);
  for (let i = 0; i < tasks; i += BATCH) {
    const some = Array.from({ length: BATCH }, async (_, j) =>
      storedNotification(await endpointOf(channel), { key: `relay-${now}-${i + j}`, now, push: PUSH }),
    );
    await store.notifications.insert(await Promise.all(some));
  }
  await using relay = await role("relay");
  // Once it has started, as it makes sure that the consumer exists.
  await liftQueueLimit({ manager }, channel);
  const taken = await readings([relay.pid], async () => (await stored(channel)).messages, tasks);
  const { perSecond, cpuMsEach } = slicesOf(taken, slice);
  costs.push({ what: `relay, publication, ${channel}`, perSecond, cpuMs: cpuMsEach[0]! });
}

async function measure(channel: Channel): Promise<ChannelRow> {
  const provider = PROVIDER[channel];
  await ask("DELETE", "/faults");
  await ask("DELETE", "/ledger");
  await ask("POST", "/faults", { provider, times: 1_000_000_000, do: { kind: "delay", ms: ANSWER_MS[channel] } });
  await (channel === "apns" ? fillByRelay(channel) : fill(channel));
  const { bytes, messages } = await stored(channel);
  say(`${channel}: ${messages} tasks stored`);
  await using dispatcher = await role(`dispatcher-${channel}`);
  const accepted = async () => {
    const { providers } = (await ask("GET", "/ledger/summary")) as { providers: Record<string, { accepted: number }> };
    return providers[provider]?.accepted ?? 0;
  };
  const taken = await readings([dispatcher.pid, preferences.pid, feedback.pid], accepted, messages);
  const { perSecond, cpuMsEach } = slicesOf(taken, slice);
  const [cpuMsPerTask, preferencesCpuMs, feedbackCpuMs] = [cpuMsEach[0]!, cpuMsEach[1]!, cpuMsEach[2]!];
  const peakMiB = peakBytes(dispatcher.pid) / 2 ** 20;
  documents.push(...(await documentSizes(storeUrl, channel)));
  const calmMs = await serviceMs(channel);
  const row = { channel, answerMs: ANSWER_MS[channel], perSecond, cpuMsPerTask, podPerSecond: (POD_CORES * 1_000) / cpuMsPerTask.median };
  say(`${channel}: CPU ms ${shown(cpuMsPerTask)}, ${shown(perSecond, 0)}/s, ${Math.round(calmMs)} ms a task when calm`);
  return {
    ...row,
    contentBytes: contentBytes(channel),
    preferencesCpuMs,
    feedbackCpuMs,
    serviceMs: calmMs,
    storedBytesPerTask: bytes / messages,
    peakMiB,
  };
}

/**
 * Time from a task's delivery to its acknowledgement under low load, in ms: by Little's law, from the average number in flight and the
 * arrival rate.
 */
async function serviceMs(channel: Channel): Promise<number> {
  const consumer = consumerName(channel, "transactional");
  const idleBy = performance.now() + IDLE_MS;
  while ((await stored(channel)).messages > 0 && performance.now() < idleBy) await delay(READ_EVERY_MS);
  const left = (await manager.consumers.info(streamName(channel), consumer)).num_ack_pending;
  const [began, calls, underWay]: [number, Promise<unknown>[], number[]] = [performance.now(), [], []];
  while (performance.now() - began < CALM_MS) {
    const notification = requestTo(await endpointOf(channel));
    calls.push(callUnary(clients.notifications, NotificationServiceService.sendNotification, { notification, validateOnly: false }));
    underWay.push((await manager.consumers.info(streamName(channel), consumer)).num_ack_pending - left);
    await delay(CALM_EVERY_MS * (0.5 + Math.random()));
  }
  const perMs = calls.length / (performance.now() - began);
  await Promise.all(calls);
  return underWay.reduce((a, b) => a + b, 0) / underWay.length / perMs;
}

const documents: DocumentSize[] = [];
const rows: ChannelRow[] = [];
for (const channel of channels) rows.push(await measure(channel));

const run: PodRateRun = { ...origin, store: values.store.split(":")[0] ?? "", tasks, slice, rows, costs, documents };
if (values.json) process.stdout.write(`${JSON.stringify(run, undefined, 2)}\n`);
else {
  process.stdout.write(
    [
      `store ${run.store}, ${tasks} tasks a channel, slices of ${slice}; median (min-max)`,
      "",
      "| channel | answer ms | CPU ms per task | tasks/s seen | tasks/s at 0.5 core | preferences CPU ms | feedback CPU ms | service ms | stream B | peak MiB |",
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
      ...rows.map(
        (r) =>
          `| ${r.channel} | ${r.answerMs} | ${shown(r.cpuMsPerTask)} | ${shown(r.perSecond, 0)} | ${Math.round(r.podPerSecond)} | ${shown(r.preferencesCpuMs)} | ${shown(r.feedbackCpuMs)} | ${Math.round(r.serviceMs)} | ${Math.round(r.storedBytesPerTask)} | ${Math.round(r.peakMiB)} |`,
      ),
      "",
      "| of others | CPU ms each | a second |",
      "| --- | --- | --- |",
      ...costs.map((c) => `| ${c.what} | ${shown(c.cpuMs)} | ${shown(c.perSecond, 0)} |`),
      "",
      ...documents.map((d) => `${d.what}: ${Math.round(d.bytes)} B of BSON, of which content ${Math.round(d.contentBytes)} B (n=${d.n})`),
    ].join("\n"),
  );
}
if (values.write) {
  recordRun(run);
  for (const path of writeMeasuredCosts()) say(`wrote ${path}`);
}
