// Calls a gateway at a fixed rate with notifications of all channels in the mix of bench/load-mix.ts, half of them one by one and half in batches. A call is
// made when it is due, whatever the answers do, and its latency counts from then.

import type { Channel } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import {
  BatchSendNotificationsRequest,
  BatchSendNotificationsResponse,
  type Notification,
  NotificationServiceService,
  SendNotificationRequest,
} from "../../gen/carillon/v1/notification_service.ts";
import { toEndpoint } from "../../test/e2e/calls.ts";
import { answering } from "../answering.ts";
import { connectGrpc, type GrpcConnection } from "../http2/grpc-connection.ts";
import { channelOf } from "../load-mix.ts";
import { pushNotification } from "../notification-bytes.ts";
import { percentile } from "../percentile.ts";

export interface MixedOrder {
  /** host:port */
  address: string;
  key: string;
  perSecond: number;
  /** The order is carried out this long after the first of its run began; s. */
  untilSecond: number;
  /** Of web pushes: where they go, and whose they are. */
  subscription: { origin: string; p256dh: string; auth: string };
  /** The last order of a run: waits for all answers, and reports. */
  isLast: boolean;
}

export interface MixedReport {
  accepted: Partial<Record<Channel, number>>;
  failed: number;
  /** From when a call was due to its answer. */
  unaryMs: Latency;
  batchMs: Latency;
  /** How late the program itself was at most, in ms. */
  lateMsMax: number;
}

export interface Latency {
  p50: number;
  p99: number;
  max: number;
}

const BATCH = 100;
const CONNECTIONS = 8;
const TICK_MS = 2;
/** A bound against growth without end, where a gateway does not answer any more. */
const IN_FLIGHT_MAX = 20_000;
/** 2 kB, as a plain mail has. */
const HTML = `<p>${"Your order is on its way. ".repeat(80)}</p>`;
const CONTENT = {
  push: undefined,
  sms: { text: "Your order 1017 is on its way and arrives today." },
  email: { subject: "Your order", html: HTML, text: "Your order is on its way." },
};

interface Run {
  connections: Record<"unary" | "batch", GrpcConnection[]>;
  startedAt: number;
  /** Number of the first notification. */
  first: number;
  /** Notifications that were due so far. */
  made: number;
  batch: { notification: Notification; channel: Channel }[];
  underWay: Set<Promise<void>>;
  accepted: Partial<Record<Channel, number>>;
  failed: number;
  unaryMs: number[];
  batchMs: number[];
  lateMsMax: number;
}

let run: Run | undefined;
/** A number that no notification of an earlier process or run has. */
let next = Date.now() * 1_000;

async function begin({ address, key }: MixedOrder): Promise<Run> {
  const { sendNotification, batchSendNotifications } = NotificationServiceService;
  const connect = (path: string) => Promise.all(Array.from({ length: CONNECTIONS }, () => connectGrpc(address, path, key)));
  const connections = { unary: await connect(sendNotification.path), batch: await connect(batchSendNotifications.path) };
  const counts = { accepted: {}, failed: 0, unaryMs: [], batchMs: [], lateMsMax: 0 };
  return { connections, startedAt: performance.now(), first: next, made: 0, batch: [], underWay: new Set(), ...counts };
}

function endpointOf(channel: Channel, n: number, { origin, p256dh, auth }: MixedOrder["subscription"]): Endpoint {
  const digits = String(n);
  switch (channel) {
    case "apns":
      return { channel, token: digits.padStart(64, "a") };
    case "fcm":
      return { channel, token: digits.padStart(160, "a") };
    case "webpush":
      return { channel, pushUrl: `${origin}/wpush/v2/${digits.padStart(180, "g")}`, p256dh, auth };
    case "sms":
      return { channel, phoneNumber: `+4915${String(n % 1e9).padStart(9, "0")}` };
    case "email":
      return { channel, address: `ada-${digits}@example.com` };
  }
}

function notificationOf(channel: Channel, n: number, subscription: MixedOrder["subscription"]): Notification {
  const push = pushNotification(n);
  const isPush = channel !== "sms" && channel !== "email";
  return {
    ...push,
    recipient: toEndpoint(endpointOf(channel, n, subscription)),
    content: isPush ? push.content : { ...CONTENT, [channel === "sms" ? "email" : "sms"]: undefined },
  };
}

function call(its: Run, kind: "unary" | "batch", dueAt: number, items: Run["batch"]): void {
  const notifications = items.map(({ notification }) => notification);
  const bytes =
    kind === "unary"
      ? SendNotificationRequest.encode({ notification: notifications[0]! }).finish()
      : BatchSendNotificationsRequest.encode({ notifications }).finish();
  const connection = its.connections[kind][its.made % CONNECTIONS]!;
  const answered = (answer: Buffer | undefined) => {
    its[`${kind}Ms`].push(performance.now() - dueAt);
    const results =
      answer && kind === "batch"
        ? BatchSendNotificationsResponse.decode(answer).results.map(({ result }) => result?.$case === "accepted")
        : undefined;
    for (const [i, { channel }] of items.entries())
      if (results ? results[i] : answer !== undefined) its.accepted[channel] = (its.accepted[channel] ?? 0) + 1;
      else its.failed++;
  };
  const work = connection.call(bytes).then(answered, () => answered(undefined));
  its.underWay.add(work);
  void work.finally(() => its.underWay.delete(work));
}

async function send(order: MixedOrder): Promise<MixedReport | undefined> {
  const { perSecond, untilSecond, subscription, isLast } = order;
  run ??= await begin(order);
  const its = run;
  const end = perSecond * untilSecond;
  const dueAt = (n: number) => its.startedAt + (n / perSecond) * 1_000;
  while (its.made < end) {
    for (; its.made < end && dueAt(its.made) <= performance.now(); its.made++) {
      const [n, pair] = [its.made, Math.floor(its.made / 2)];
      if (its.underWay.size >= IN_FLIGHT_MAX) throw new Error(`${IN_FLIGHT_MAX} calls are not answered yet`);
      const channel = channelOf(pair);
      const item = { notification: notificationOf(channel, its.first + n, subscription), channel };
      its.lateMsMax = Math.max(its.lateMsMax, performance.now() - dueAt(n));
      if (n % 2 === 0) call(its, "unary", dueAt(n), [item]);
      else if (its.batch.push(item) === BATCH) call(its, "batch", dueAt(n), its.batch.splice(0));
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  if (!isLast) return undefined;
  if (its.batch.length > 0) call(its, "batch", performance.now(), its.batch.splice(0));
  await Promise.all(its.underWay);
  for (const connection of [...its.connections.unary, ...its.connections.batch]) connection[Symbol.dispose]();
  next += its.made;
  run = undefined;
  const { accepted, failed, unaryMs, batchMs, lateMsMax } = its;
  return { accepted, failed, unaryMs: latencyOf(unaryMs), batchMs: latencyOf(batchMs), lateMsMax };
}

const latencyOf = (ms: readonly number[]): Latency => ({ p50: percentile(ms, 0.5), p99: percentile(ms, 0.99), max: percentile(ms, 1) });

answering(send);
