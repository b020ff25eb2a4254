import { jetstreamManager } from "@nats-io/jetstream";
import type { Channel, NotificationClass } from "../../core/delivery/channel.ts";
import { streamName, taskSubject } from "../../core/delivery/subjects.ts";
import type { QueueDepth, QueueDepths } from "../../core/ports/queue.ts";
import type { Nats } from "./connect.ts";
import { findConsumer } from "./waiting.ts";

/** Deadline of each request: a healthy leader answers within 50 ms, and a relay's iteration waits for it. */
const ASK_MS = 750;

/** Reads, by JetStream's API, how many tasks of each app a queue holds: from its subjects, so that no count can drift. */
export async function createQueueDepths(nats: Nats): Promise<QueueDepths> {
  const jsm = await jetstreamManager(nats, { timeout: ASK_MS, checkAPI: false });

  async function ask(channel: Channel, of: NotificationClass): Promise<QueueDepth | undefined> {
    const subjects = taskSubject(channel, of, "*");
    const [stream, consumer] = await Promise.all([
      jsm.streams.info(streamName(channel), { subjects_filter: subjects }),
      findConsumer(jsm, channel, of),
    ]);
    if (!consumer) return undefined;
    const prefix = taskSubject(channel, of, "");
    const counts = Object.entries(stream.state.subjects ?? {}).map(([subject, count]) => [subject.slice(prefix.length), count] as const);
    return {
      waiting: Math.max(0, consumer.num_pending),
      held: consumer.num_ack_pending,
      pulls: consumer.num_waiting,
      delivered: consumer.delivered.consumer_seq,
      byApp: new Map(counts),
    };
  }

  return { read: (channel, of) => ask(channel, of).catch(() => undefined) };
}
