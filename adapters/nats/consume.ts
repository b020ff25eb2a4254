import { type Consumer, type JsMsg, jetstream } from "@nats-io/jetstream";
import { SpanKind, type Tracer } from "@opentelemetry/api";
import { type Channel, CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import { consumerName, streamName } from "../../core/delivery/subjects.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Settlement, TaskCopy } from "../../core/ports/queue.ts";
import type { Logger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { createStateLog } from "../../runtime/state-log.ts";
import { extract, withSpan } from "../../runtime/tracing.ts";
import type { Nats } from "./connect.ts";
import { followConnection } from "./connection.ts";
import type { Workload } from "./report.ts";
import { decodeTask } from "./task-codec.ts";

export type TaskHandler = (copy: TaskCopy) => Promise<Settlement>;

/**
 * How long a pull waits for tasks before it is repeated, and so how long a drain may wait for it: messages delivered to an abandoned pull are
 * redelivered only after ack_wait. Two heartbeats; a pull that misses both is considered dead.
 */
const PULL_MS = 2_000;
/** Share of a class's limit that must be free before more is pulled: a pull for each task would cost more than the task. */
const FREE_SHARE = 0.125;
/** After a fault of the stream or the connection, before pulling again. */
const RESUME_WAIT_MS = 1_000;
/** Between two checks of the channel's stream and consumers. */
const ENSURE_EVERY_MS = 30_000;
/** A task whose handler threw is redelivered after this. */
const FAULT_WAIT_MS = 2_000;
const MESSAGE_ID = "Nats-Msg-Id";

export interface ConsumeOptions {
  channel: Channel;
  worker: string;
  /** Tasks of a class that are held at once. */
  heldMax: (notificationClass: NotificationClass) => number;
  /** Aborts on drain: nothing more is pulled; the tasks of the last pull are still handled. */
  signal: AbortSignal;
  clock: Clock;
  log: Logger;
  tracer: Tracer;
  /** Recreates streams and consumers that were deleted or lost. */
  ensure: () => Promise<void>;
  /** Counts tasks that are returned to the queue with a delay, or handed back to the store. */
  workload?: Pick<Workload, "givenBack" | "handedBack">;
}

/** Pulls the tasks of all classes of a channel, never more than may be held, until `signal` aborts; resolves when the last running task is settled. */
export async function consumeTasks(nats: Nats, handle: TaskHandler, options: ConsumeOptions): Promise<void> {
  const lost = followConnection(nats);
  await Promise.all([
    ...CLASSES.map((notificationClass) => consumeClass(nats, handle, notificationClass, lost, options)),
    keepStreams(options),
  ]);
}

/** An operator's error says what to do, and holds no credential. */
const faultOf = (error: unknown) => (error instanceof OperatorError ? error.message : error instanceof Error ? error.name : "unknown");

/** A process of another version that starts or stops may set streams and consumers as it knows them; this version's tasks would then not be delivered. */
async function keepStreams({ ensure, clock, log, signal, channel }: ConsumeOptions): Promise<void> {
  const state = createStateLog(log, { lost: `stream of ${channel} cannot be checked`, back: `stream of ${channel} can be checked again` });
  for (;;) {
    await clock.sleep(ENSURE_EVERY_MS, signal);
    if (signal.aborted) return;
    await ensure().then(
      () => state.works(),
      (error: unknown) => state.fails(faultOf(error)),
    );
  }
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
  const limit = options.heldMax(notificationClass);
  const pullBelow = limit - Math.ceil(limit * FREE_SHARE);
  const underWay = new Set<Promise<void>>();
  const of = `${options.channel} ${notificationClass}`;
  const ensured = createStateLog(log, { lost: "streams could not be ensured", back: "streams are ensured again" });
  const state = createStateLog(log, { lost: `consumer of ${of} interrupted; resuming`, back: `consumer of ${of} delivers again` });
  const begin = (msg: JsMsg) => {
    const work = settle(msg, notificationClass, handle, options).finally(() => underWay.delete(work));
    underWay.add(work);
  };
  while (!signal.aborted) {
    try {
      const consumer = await js.consumers.get(streamName(options.channel), consumerName(options.channel, notificationClass));
      while (!signal.aborted) {
        if (underWay.size > pullBelow) await Promise.race(underWay);
        else await pull(consumer, limit - underWay.size, begin, lost());
        state.works();
      }
    } catch (error) {
      if (!signal.aborted) state.fails(faultOf(error));
    }
    await clock.sleep(RESUME_WAIT_MS, signal);
    if (signal.aborted) break;
    await options.ensure().then(
      () => ensured.works(),
      (error: unknown) => ensured.fails(faultOf(error)),
    );
  }
  await Promise.allSettled(underWay);
}

/**
 * Pulls up to `count` tasks, no more than can be started. The server ends a pull after PULL_MS at most, so that nothing is in transit then. A lost
 * connection ends the pull too: the client would wait for the next one without a deadline, and pull `count` again there.
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
      log.error({ err: error, message: messageId }, "task could not be handled; it is redelivered");
      settlement = { kind: "nak", delayMs: FAULT_WAIT_MS };
    }
    if (settlement.kind === "ack") {
      msg.ack();
      if (settlement.waitsMs !== undefined) workload?.handedBack(settlement.waitsMs);
    } else if (settlement.kind === "nak") {
      // The server reads integers only, and redelivers at once where it cannot parse the delay.
      msg.nak(Math.ceil(settlement.delayMs));
      if (!settlement.ready) workload?.givenBack(settlement.delayMs);
    }
    // Without a reason: servers before 2.11 do not understand one, and would redeliver the message.
    else msg.term();
  });
}
