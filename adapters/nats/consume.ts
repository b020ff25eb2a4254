import { type Consumer, type JsMsg, jetstream } from "@nats-io/jetstream";
import { SpanKind, type Tracer } from "@opentelemetry/api";
import { type Channel, CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import { consumerName, streamName } from "../../core/delivery/subjects.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Settlement, TaskCopy } from "../../core/ports/queue.ts";
import type { Logger } from "../../runtime/logger.ts";
import { extract, withSpan } from "../../runtime/tracing.ts";
import type { Nats } from "./connect.ts";
import { followConnection } from "./connection.ts";
import type { Workload } from "./report.ts";
import { decodeTask } from "./task-codec.ts";

export type TaskHandler = (copy: TaskCopy) => Promise<Settlement>;

/**
 * How long a pull waits for tasks before it is repeated, and so how long a drain may wait for it: what the server has handed out to a pull
 * that was given up stays away from the others until its ack_wait has passed. Two heartbeats; when both are missed the pull is called dead.
 */
const PULL_MS = 2_000;
/** Part of a class's limit that is free before more is pulled: a pull for every single task would cost more than the task. */
const FREE_SHARE = 0.25;
/** After a fault of the stream or the connection, before pulling again. */
const RESUME_WAIT_MS = 1_000;
/** A task whose handling threw comes back after this. */
const FAULT_WAIT_MS = 5_000;
const MESSAGE_ID = "Nats-Msg-Id";
/** How a class shares a pod: a one-time password never waits behind a campaign. */
const SHARE: Record<NotificationClass, number> = { critical: 1, transactional: 1, marketing: 0.5 };

export interface ConsumeOptions {
  channel: Channel;
  worker: string;
  /** Tasks handled at once, per class (marketing: half). */
  inFlightMax: number;
  /** Aborts on drain: no more is pulled. What the last pull brings is still handled. */
  signal: AbortSignal;
  clock: Clock;
  log: Logger;
  tracer: Tracer;
  /** Recreates what an operator or a lost disk took away. */
  ensure: () => Promise<void>;
  /** Told of tasks that are given back for later. */
  workload?: Pick<Workload, "givenBack">;
}

/** Pulls the tasks of all classes of a channel, never more than it can begin, until `signal` aborts; resolves when the last one under way is settled. */
export async function consumeTasks(nats: Nats, handle: TaskHandler, options: ConsumeOptions): Promise<void> {
  const lost = followConnection(nats);
  await Promise.all(CLASSES.map((notificationClass) => consumeClass(nats, handle, notificationClass, lost, options)));
}

async function consumeClass(
  nats: Nats,
  handle: TaskHandler,
  notificationClass: NotificationClass,
  lost: () => AbortSignal,
  options: ConsumeOptions,
): Promise<void> {
  const { signal, log, clock } = options;
  const js = jetstream(nats);
  const limit = Math.max(1, Math.floor(options.inFlightMax * SHARE[notificationClass]));
  const fullest = limit - Math.ceil(limit * FREE_SHARE);
  const underWay = new Set<Promise<void>>();
  const begin = (msg: JsMsg) => {
    const work = settle(msg, notificationClass, handle, options).finally(() => underWay.delete(work));
    underWay.add(work);
  };
  while (!signal.aborted) {
    try {
      const consumer = await js.consumers.get(streamName(options.channel), consumerName(options.channel, notificationClass));
      while (!signal.aborted) {
        if (underWay.size > fullest) await Promise.race(underWay);
        else await pull(consumer, limit - underWay.size, begin, lost());
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, channel: options.channel, notificationClass }, "consumer interrupted; resuming");
    }
    await clock.sleep(RESUME_WAIT_MS, signal);
    if (signal.aborted) break;
    await options.ensure().catch((error: unknown) => log.warn({ err: error }, "streams could not be ensured"));
  }
  await Promise.allSettled(underWay);
}

/**
 * Takes up to `count` tasks, no more than can be begun at once. It is the server that ends a pull, after PULL_MS at most, so nothing is in transit
 * then. Where the connection is lost it ends with that: the client would wait for another one however long it takes, and there pull `count` again.
 */
async function pull(consumer: Consumer, count: number, begin: (msg: JsMsg) => void, lost: AbortSignal): Promise<void> {
  lost.throwIfAborted();
  const messages = await consumer.fetch({ max_messages: count, expires: PULL_MS });
  const end = () => messages.stop(lost.reason);
  lost.addEventListener("abort", end);
  try {
    for await (const msg of messages) begin(msg);
  } finally {
    lost.removeEventListener("abort", end);
  }
}

async function settle(
  msg: JsMsg,
  notificationClass: NotificationClass,
  handle: TaskHandler,
  { channel, worker, log, tracer, workload }: ConsumeOptions,
): Promise<void> {
  const messageId = msg.headers?.get(MESSAGE_ID) || `${msg.info.stream}#${msg.seq}`;
  const task = decodeTask(msg.data, messageId);
  const parent = extract((key) => msg.headers?.get(key) || undefined);
  const attributes = { "carillon.delivery": task?.deliveryId ?? "", "carillon.attempt": task?.attempt ?? 0 };
  await withSpan(tracer, `dispatch ${channel}`, { kind: SpanKind.CONSUMER, parent, attributes }, async () => {
    let settlement: Settlement;
    const copy = { task, bytes: msg.data, channel, notificationClass, messageId, deliveries: msg.info.deliveryCount };
    try {
      settlement = await handle({ ...copy, holder: `${worker}:${msg.seq}` });
    } catch (error) {
      log.error({ err: error, message: messageId }, "task could not be handled; it comes back");
      settlement = { kind: "nak", delayMs: FAULT_WAIT_MS };
    }
    if (settlement.kind === "ack") msg.ack();
    else if (settlement.kind === "nak") {
      // The server reads whole numbers only, and hands out at once what it cannot read.
      msg.nak(Math.ceil(settlement.delayMs));
      if (!settlement.ready) workload?.givenBack(settlement.delayMs);
    }
    // Without a reason: servers before 2.11 do not understand one, and would hand it out again.
    else msg.term();
  });
}
