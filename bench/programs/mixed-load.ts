// Calls a gateway at a fixed rate with notifications of all channels in the mix of bench/load-mix.ts, half of them one by one and half in batches. A call is
// made when it is due, whatever the answers do, and its latency counts from then.

import { setTimeout as delay } from "node:timers/promises";
import { contentToProto } from "../../core/content/content.ts";
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
import type { CallEnd } from "../http2/grpc-connection.ts";
import { type CallPool, createCallPool } from "../load/call-pool.ts";
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
/** From when a call is begun; far above what a caller would wait, so that every call is answered. */
const DEADLINE_MS = 30_000;
/** 2 kB, as a plain mail has. */
const HTML = `<p>${"Your order is on its way. ".repeat(80)}</p>`;
const CONTENT = contentToProto({
  sms: { text: "Your order 1017 is on its way and arrives today." },
  email: { subject: "Your order", html: HTML, text: "Your order is on its way." },
});

type Kind = "unary" | "batch";
type Items = readonly { notification: Notification; channel: Channel }[];

interface Run {
  pools: Record<Kind, CallPool>;
  /** Calls that are due and have no room on a connection yet. */
  waiting: Record<Kind, (() => boolean)[]>;
  startedAt: number;
  /** Number of the first notification. */
  first: number;
  /** Notifications that were due so far. */
  made: number;
  batch: { notification: Notification; channel: Channel }[];
  /** Calls that are not answered yet. */
  underWay: number;
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
  const open = (path: string) => createCallPool({ address, path, key, timeoutMs: DEADLINE_MS, connections: CONNECTIONS });
  const pools = { unary: await open(sendNotification.path), batch: await open(batchSendNotifications.path) };
  const counts = { accepted: {}, failed: 0, unaryMs: [], batchMs: [], lateMsMax: 0 };
  const waiting = { unary: [], batch: [] };
  return { pools, waiting, startedAt: performance.now(), first: next, made: 0, batch: [], underWay: 0, ...counts };
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

function encode(kind: Kind, items: Items): Uint8Array {
  const notifications = items.map(({ notification }) => notification);
  if (kind === "batch") return BatchSendNotificationsRequest.encode({ notifications }).finish();
  return SendNotificationRequest.encode({ notification: notifications[0]!, validateOnly: false }).finish();
}

/** Which of the items were accepted. */
function acceptedOf(kind: Kind, items: Items, end: CallEnd): Items {
  if (end.how !== "message") return [];
  if (kind === "unary") return items;
  const { results } = BatchSendNotificationsResponse.decode(end.message);
  return items.filter((_, i) => results[i]?.result?.$case === "accepted");
}

function call(its: Run, kind: Kind, dueAt: number, items: Items): void {
  its.underWay++;
  const ended = (end: CallEnd) => {
    its.underWay--;
    its[`${kind}Ms`].push(performance.now() - dueAt);
    const accepted = acceptedOf(kind, items, end);
    for (const { channel } of accepted) its.accepted[channel] = (its.accepted[channel] ?? 0) + 1;
    its.failed += items.length - accepted.length;
    beginWaiting(its, kind);
  };
  its.waiting[kind].push(() => its.pools[kind].begin(() => encode(kind, items), ended, DEADLINE_MS) !== undefined);
  beginWaiting(its, kind);
}

function beginWaiting({ waiting }: Run, kind: Kind): void {
  const queue = waiting[kind];
  while (queue[0]?.()) queue.shift();
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
      const channel = channelOf(pair);
      const item = { notification: notificationOf(channel, its.first + n, subscription), channel };
      its.lateMsMax = Math.max(its.lateMsMax, performance.now() - dueAt(n));
      if (n % 2 === 0) call(its, "unary", dueAt(n), [item]);
      else if (its.batch.push(item) === BATCH) call(its, "batch", dueAt(n), its.batch.splice(0));
    }
    await tick(its);
  }
  if (!isLast) return undefined;
  if (its.batch.length > 0) call(its, "batch", performance.now(), its.batch.splice(0));
  while (its.underWay > 0) await tick(its);
  for (const pool of Object.values(its.pools)) await pool[Symbol.asyncDispose]();
  next += its.made;
  run = undefined;
  const { accepted, failed, unaryMs, batchMs, lateMsMax } = its;
  return { accepted, failed, unaryMs: latencyOf(unaryMs), batchMs: latencyOf(batchMs), lateMsMax };
}

async function tick(its: Run): Promise<void> {
  await delay(TICK_MS);
  // A connection that was replaced has room.
  for (const kind of ["unary", "batch"] as const) beginWaiting(its, kind);
}

const latencyOf = (ms: readonly number[]): Latency => ({ p50: percentile(ms, 0.5), p99: percentile(ms, 0.99), max: percentile(ms, 1) });

answering(send);
