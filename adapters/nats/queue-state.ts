import { type ConsumerInfo, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { type Channel, CLASSES } from "../../core/delivery/channel.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import { isMissing } from "./api-fault.ts";
import type { Nats } from "./connect.ts";
import { findConsumer, oldestWaitingAt } from "./waiting.ts";

/** A channel's stream and consumers, as their leaders see them. */
export interface QueueState {
  /** When the stream was created: a different value means that its sequence numbers started again. */
  created: string;
  /** Sequence number of the last published task. */
  lastSequence: number;
  /** Tasks in the stream. */
  messages: number;
  bytes: number;
  /** 0: unbounded. */
  bytesMax: number;
  /** Tasks never delivered to a dispatcher, all classes together. */
  waiting: number;
  /** Tasks delivered and not acknowledged, all classes together. */
  handedOut: number;
  /** Unacknowledged tasks as a share of max_ack_pending, of the class with the highest share. */
  ackPendingRatio: number;
  /** Age of the oldest task in the stream; 0 where there is none. */
  oldestMs: number;
  /** Age of the oldest task never delivered; 0 where there is none, undefined where not requested. */
  oldestWaitingMs: number | undefined;
}

export type QueueReading = { kind: "read"; state: QueueState } | { kind: "unreadable"; why: string };

/** @param askWaiting whether to read the oldest task never delivered: one more request per class */
export type QueueReader = (channel: Channel, askWaiting: boolean) => Promise<QueueReading>;

/** A healthy leader answers within 50 ms. Below the time between two readings. */
const ASK_MS = 1_500;

/** Reads by JetStream's API, with the connection's credentials; the monitoring port is not needed. */
export async function createQueueReader(nats: Nats): Promise<QueueReader> {
  const jsm = await jetstreamManager(nats, { timeout: ASK_MS, checkAPI: false });

  async function read(channel: Channel, askWaiting: boolean): Promise<QueueState> {
    const [stream, ...consumers] = await Promise.all([
      jsm.streams.info(streamName(channel)),
      ...CLASSES.map((notificationClass) => findConsumer(jsm, channel, notificationClass)),
    ]);
    const now = stream.ts ? Date.parse(stream.ts) : Date.now();
    const published = await Promise.all(
      askWaiting ? CLASSES.map((notificationClass, i) => oldestWaitingAt(jsm, channel, notificationClass, consumers[i])) : [],
    );
    const oldestAt = Math.min(now, ...published.filter((at) => at !== undefined));
    return queueState(stream, consumers, now, askWaiting ? now - oldestAt : undefined);
  }

  return async (channel, askWaiting) => {
    try {
      return { kind: "read", state: await read(channel, askWaiting) };
    } catch (error) {
      if (isMissing(error)) return { kind: "unreadable", why: `there is no stream ${streamName(channel)}` };
      return { kind: "unreadable", why: `NATS did not answer (${error instanceof Error ? error.name : "unknown"})` };
    }
  };
}

function queueState(
  { config, created, state }: StreamInfo,
  consumers: readonly (ConsumerInfo | undefined)[],
  now: number,
  oldestWaitingMs: number | undefined,
): QueueState {
  const found = consumers.filter((consumer) => consumer !== undefined);
  const handedOut = found.reduce((sum, { num_ack_pending }) => sum + Math.max(0, num_ack_pending), 0);
  const pending = found.reduce((sum, { num_pending }) => sum + Math.max(0, num_pending), 0);
  return {
    ...{ created, lastSequence: state.last_seq, messages: state.messages },
    ...{ bytes: state.bytes, bytesMax: Math.max(0, config.max_bytes) },
    // A class without a consumer is not in `pending`, but its tasks still wait.
    waiting: found.length === consumers.length ? pending : Math.max(pending, state.messages - handedOut),
    handedOut,
    ackPendingRatio: Math.max(
      0,
      ...found.map(({ num_ack_pending, config: { max_ack_pending: most = -1 } }) => (most > 0 ? num_ack_pending / most : 0)),
    ),
    oldestMs: state.messages > 0 ? Math.max(0, now - Date.parse(state.first_ts)) : 0,
    oldestWaitingMs,
  };
}
