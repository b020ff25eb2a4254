// Calls a gateway at a fixed rate with notifications of all channels in the mix of bench/load-mix.ts, half of them one by one and half in batches. A call is
// made when it is due, whatever the answers do, and its latency counts from then.

import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import {
  BatchSendNotificationsRequest,
  BatchSendNotificationsResponse,
  type Notification,
  NotificationServiceService,
  SendNotificationRequest,
} from "../../gen/carillon/v1/notification_service.ts";
import { answering } from "../answering.ts";
import type { CallEnd } from "../http2/grpc-connection.ts";
import { type CallPool, createCallPool } from "../load/call-pool.ts";
import { notificationOf, type Subscription } from "../load/mixed-notifications.ts";
import { readStatus } from "../load/outcomes.ts";
import { pack } from "../load/packed.ts";
import { mixedChannelOf } from "../load-mix.ts";
import { monotonicUs } from "../monotonic.ts";
import { percentile } from "../percentile.ts";

export interface MixedOrder {
  /** host:port */
  address: string;
  key: string;
  perSecond: number;
  /** Notifications of the whole run, and the number of its first one. */
  count: number;
  first: number;
  /** The order is carried out this long after the first of its run began; s. */
  untilSecond: number;
  subscription: Subscription;
  /** The last order of a run: waits for all answers, and reports. */
  isLast: boolean;
}

/** Answer to an order that is not the last. */
export interface MixedProgress {
  /** Notifications that were due. */
  due: number;
  /** Those of them that ended otherwise than accepted. */
  notAccepted: number;
}

/** What became of a notification, for its caller. */
export const FATE = {
  /** Its call was not made, since the run ended before. */
  none: 0,
  accepted: 1,
  /** RESOURCE_EXHAUSTED: nothing is stored. */
  rejected: 2,
  /** Another error, or no answer: nobody knows. */
  unclear: 3,
} as const;

export interface MixedReport {
  /** By notification: a FATE; packed. */
  fates: string;
  /** monotonicUs() of when the first one was due. */
  startUs: number;
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

type Kind = "unary" | "batch";
interface Item {
  notification: Notification;
  /** Place in the run. */
  index: number;
}

interface Run {
  pools: Record<Kind, CallPool>;
  /** Calls that are due and have no room on a connection yet. */
  waiting: Record<Kind, (() => boolean)[]>;
  startedAt: number;
  startUs: number;
  /** Notifications that were due so far. */
  made: number;
  batch: Item[];
  /** Calls that are not answered yet. */
  underWay: number;
  fates: Uint8Array;
  notAccepted: number;
  unaryMs: number[];
  batchMs: number[];
  lateMsMax: number;
}

let run: Run | undefined;

async function begin({ address, key, count }: MixedOrder): Promise<Run> {
  const { sendNotification, batchSendNotifications } = NotificationServiceService;
  const open = (path: string) => createCallPool({ address, path, key, timeoutMs: DEADLINE_MS, connections: CONNECTIONS });
  const pools = { unary: await open(sendNotification.path), batch: await open(batchSendNotifications.path) };
  const counts = { fates: new Uint8Array(count), notAccepted: 0, unaryMs: [], batchMs: [], lateMsMax: 0 };
  const waiting = { unary: [], batch: [] };
  return { pools, waiting, startedAt: performance.now(), startUs: monotonicUs(), made: 0, batch: [], underWay: 0, ...counts };
}

function encode(kind: Kind, items: readonly Item[]): Uint8Array {
  const notifications = items.map(({ notification }) => notification);
  if (kind === "batch") return BatchSendNotificationsRequest.encode({ notifications }).finish();
  return SendNotificationRequest.encode({ notification: notifications[0]!, validateOnly: false }).finish();
}

const fateOf = (code: number) => (code === status.RESOURCE_EXHAUSTED ? FATE.rejected : FATE.unclear);

/** Of each item. */
function fatesOf(kind: Kind, items: readonly Item[], end: CallEnd): number[] {
  if (end.how === "status") return items.map(() => fateOf(readStatus(end.block).code));
  if (end.how !== "message") return items.map(() => FATE.unclear);
  if (kind === "unary") return [FATE.accepted];
  const { results } = BatchSendNotificationsResponse.decode(end.message);
  return items.map((_, i) => {
    const result = results[i]?.result;
    return result?.$case === "accepted" ? FATE.accepted : fateOf(result?.value.code ?? Number.NaN);
  });
}

function call(its: Run, kind: Kind, dueAt: number, items: readonly Item[]): void {
  its.underWay++;
  const ended = (end: CallEnd) => {
    its.underWay--;
    its[`${kind}Ms`].push(performance.now() - dueAt);
    for (const [i, fate] of fatesOf(kind, items, end).entries()) {
      its.fates[items[i]!.index] = fate;
      if (fate !== FATE.accepted) its.notAccepted++;
    }
    beginWaiting(its, kind);
  };
  its.waiting[kind].push(() => its.pools[kind].begin(() => encode(kind, items), ended, DEADLINE_MS) !== undefined);
  beginWaiting(its, kind);
}

function beginWaiting({ waiting }: Run, kind: Kind): void {
  const queue = waiting[kind];
  while (queue[0]?.()) queue.shift();
}

async function send(order: MixedOrder): Promise<MixedReport | MixedProgress> {
  const { perSecond, untilSecond, subscription, isLast, first, count } = order;
  run ??= await begin(order);
  const its = run;
  const end = Math.min(count, Math.round(perSecond * untilSecond));
  const dueAt = (n: number) => its.startedAt + (n / perSecond) * 1_000;
  while (its.made < end) {
    for (; its.made < end && dueAt(its.made) <= performance.now(); its.made++) {
      const n = its.made;
      const item = { notification: notificationOf(mixedChannelOf(n), first + n, subscription), index: n };
      its.lateMsMax = Math.max(its.lateMsMax, performance.now() - dueAt(n));
      if (n % 2 === 0) call(its, "unary", dueAt(n), [item]);
      else if (its.batch.push(item) === BATCH) call(its, "batch", dueAt(n), its.batch.splice(0));
    }
    await tick(its);
  }
  if (!isLast) return { due: its.made, notAccepted: its.notAccepted };
  if (its.batch.length > 0) call(its, "batch", performance.now(), its.batch.splice(0));
  while (its.underWay > 0) await tick(its);
  for (const pool of Object.values(its.pools)) await pool[Symbol.asyncDispose]();
  run = undefined;
  const { fates, startUs, unaryMs, batchMs, lateMsMax } = its;
  return { fates: pack(fates), startUs, unaryMs: latencyOf(unaryMs), batchMs: latencyOf(batchMs), lateMsMax };
}

async function tick(its: Run): Promise<void> {
  await delay(TICK_MS);
  // A connection that was replaced has room.
  for (const kind of ["unary", "batch"] as const) beginWaiting(its, kind);
}

const latencyOf = (ms: readonly number[]): Latency => ({ p50: percentile(ms, 0.5), p99: percentile(ms, 0.99), max: percentile(ms, 1) });

answering(send);
