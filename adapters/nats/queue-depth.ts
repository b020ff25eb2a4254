import { jetstreamManager } from "@nats-io/jetstream";
import type { Channel, NotificationClass } from "../../core/delivery/channel.ts";
import { streamName, taskSubject } from "../../core/delivery/subjects.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { QueueDepth, QueueDepths } from "../../core/ports/queue.ts";
import type { Nats } from "./connect.ts";
import { findConsumer } from "./waiting.ts";

/** Deadline of each request: a healthy leader answers within 50 ms, and a relay's iteration waits for it. */
const ASK_MS = 750;
/** Time constant of the rate at which tasks are delivered, in ms. */
const RATE_MS = 2_000;

interface Delivered {
  sequence: number;
  at: number;
  perSecond: number;
}

/** Reads, by JetStream's API, how many tasks of each app a queue holds: from its subjects, so that no count can drift. */
export async function createQueueDepths(nats: Nats, clock: Pick<Clock, "monotonic">): Promise<QueueDepths> {
  const jsm = await jetstreamManager(nats, { timeout: ASK_MS, checkAPI: false });
  const delivered = new Map<string, Delivered>();

  /** Pauses between readings are longer than the time constant where nothing was published meanwhile: then the newest rate counts alone. */
  function rateOf(queue: string, sequence: number): number {
    const [now, before] = [clock.monotonic(), delivered.get(queue)];
    const elapsedMs = before ? now - before.at : 0;
    if (before && elapsedMs <= 0) return before.perSecond;
    const measured = before && sequence >= before.sequence ? ((sequence - before.sequence) * 1_000) / elapsedMs : 0;
    const share = 1 - Math.exp(-elapsedMs / RATE_MS);
    const perSecond = before ? before.perSecond + share * (measured - before.perSecond) : 0;
    delivered.set(queue, { sequence, at: now, perSecond });
    return perSecond;
  }

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
      deliveredPerSecond: rateOf(`${channel}.${of}`, consumer.delivered.consumer_seq),
      byApp: new Map(counts),
    };
  }

  return { read: (channel, of) => ask(channel, of).catch(() => undefined) };
}
