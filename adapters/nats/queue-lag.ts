import { jetstreamManager } from "@nats-io/jetstream";
import type { Channel, NotificationClass } from "../../core/delivery/channel.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { QueueLag } from "../../core/ports/queue.ts";
import type { Nats } from "./connect.ts";
import { findConsumer, oldestWaitingAt } from "./waiting.ts";

/** Deadline of each of two requests: a healthy leader answers within 50 ms, and the relay's iteration waits for it. */
const ASK_MS = 750;
/** An answer is reused for this long, because with a backlog iterations follow one another at once. Well below the watchdog's time. */
const ANSWER_LIFE_MS = 1_000;

/** Reads the lag by JetStream's API and caches it for ANSWER_LIFE_MS, including a failure to read it. */
export async function createQueueLag(nats: Nats, clock: Pick<Clock, "now" | "monotonic">): Promise<QueueLag> {
  const jsm = await jetstreamManager(nats, { timeout: ASK_MS, checkAPI: false });
  const answers = new Map<string, { askedAt: number; since: Promise<number | undefined> }>();

  async function ask(channel: Channel, notificationClass: NotificationClass): Promise<number | undefined> {
    const consumer = await findConsumer(jsm, channel, notificationClass);
    // Nothing is delivered from this queue, so the age of a waiting task does not show when it will be.
    if (!consumer || consumer.paused) return undefined;
    const now = clock.now();
    const publishedAt = await oldestWaitingAt(jsm, channel, notificationClass, consumer);
    if (publishedAt === undefined) return Number.POSITIVE_INFINITY;
    // The age is measured by the server's clock, which may differ from this process's.
    const serverNow = consumer.ts ? Date.parse(consumer.ts) : now;
    return now - Math.max(0, serverNow - publishedAt);
  }

  return {
    waitingSince(channel, notificationClass) {
      const queue = `${channel}.${notificationClass}`;
      const known = answers.get(queue);
      const askedAt = clock.monotonic();
      if (known && askedAt - known.askedAt < ANSWER_LIFE_MS) return known.since;
      const since = ask(channel, notificationClass).catch(() => undefined);
      answers.set(queue, { askedAt, since });
      return since;
    },
  };
}
