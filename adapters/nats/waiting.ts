import { type ConsumerInfo, JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import type { Channel, NotificationClass } from "../../core/delivery/channel.ts";
import { consumerName, consumerSubjects, streamName } from "../../core/delivery/subjects.ts";

/** Undefined where the consumer does not exist. Rejects where the stream is missing or the server does not answer. */
export async function findConsumer(jsm: JetStreamManager, channel: Channel, of: NotificationClass): Promise<ConsumerInfo | undefined> {
  try {
    return await jsm.consumers.info(streamName(channel), consumerName(channel, of));
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return undefined;
    throw error;
  }
}

/**
 * When the oldest task was published that its consumer has never delivered, in ms since the epoch by the server's clock; undefined where there is
 * none, or it has just been removed. A consumer delivers in stream order, so this is the first task after the last one it delivered.
 */
export async function oldestWaitingAt(
  jsm: JetStreamManager,
  channel: Channel,
  of: NotificationClass,
  consumer: Pick<ConsumerInfo, "num_pending" | "delivered"> | undefined,
): Promise<number | undefined> {
  if (!consumer?.num_pending) return undefined;
  const seq = consumer.delivered.stream_seq + 1;
  const queries = consumerSubjects(channel, of).map((next_by_subj) => ({ seq, next_by_subj }));
  const messages = await Promise.all(queries.map((query) => jsm.streams.getMessage(streamName(channel), query)));
  const times = messages.flatMap((message) => (message ? [message.time.getTime()] : []));
  return times.length > 0 ? Math.min(...times) : undefined;
}
