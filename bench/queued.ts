import { setTimeout as delay } from "node:timers/promises";
import type { Channel } from "../core/delivery/channel.ts";
import { consumerName, streamName } from "../core/delivery/subjects.ts";
import type { World } from "./world.ts";

const POLL_MS = 5;
/** A service that publishes is never silent for so long. */
const REST_MS = 1_000;
/** Of a gateway beside which no relay runs: where the store is slow, it leaves some few publications to one. */
export const PUBLISHED_SHARE_MIN = 0.9;

/** Without a dispatcher a queue takes some hundred tasks; without a consumer to read its depth from, relays publish all that is due. */
export async function liftQueueLimit({ manager }: Pick<World, "manager">, channel: Channel = "fcm"): Promise<void> {
  await manager.consumers.delete(streamName(channel), consumerName(channel, "transactional"));
}

/** For waits: whether everything in the stream was taken, and its outcome stored. */
export const streamIsEmpty = (world: Pick<World, "manager">, stream: string) => async () =>
  (await world.manager.streams.info(stream)).state.messages === 0;

/**
 * Waits until a stream from which nobody takes holds exactly these tasks, and empties it. Rejects where there are more, or fewer after the limit. Resolves to
 * performance.now() of when the last one was seen.
 * @param isDone what else must be true before the stream is emptied
 * @param leastShare where nothing has arrived for REST_MS, this share of them is enough; absent: all
 */
export async function takeQueued(
  { manager }: Pick<World, "manager">,
  stream: string,
  {
    tasks,
    limitMs,
    leastShare = 1,
    isDone = async () => true,
  }: { tasks: number; limitMs: number; leastShare?: number; isDone?: () => Promise<boolean> },
): Promise<number> {
  const giveUpAt = performance.now() + limitMs;
  let seenAt: number | undefined;
  let grown = { messages: 0, at: performance.now() };
  for (;;) {
    const { messages } = (await manager.streams.info(stream)).state;
    if (messages > grown.messages) grown = { messages, at: performance.now() };
    if (messages >= leastShare * tasks && performance.now() - grown.at > REST_MS) seenAt ??= grown.at;
    if (messages > tasks) throw new Error(`${messages} tasks are in the stream instead of ${tasks}`);
    if (messages === tasks) seenAt ??= performance.now();
    if (seenAt !== undefined && (await isDone())) break;
    if (performance.now() > giveUpAt) throw new Error(`${messages} of ${tasks} tasks were published within ${limitMs} ms`);
    await delay(POLL_MS);
  }
  await manager.streams.purge(stream);
  return seenAt;
}
