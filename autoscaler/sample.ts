import type { QueueReader } from "../adapters/nats/queue-state.ts";
import type { Channel } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Rates } from "./rates.ts";

/** Reads every channel's queue now and then, until the signal aborts. A queue that cannot be read says so once, not each time. */
export async function sample(
  read: QueueReader,
  rates: Rates,
  { everyMs, clock, log, signal }: { everyMs: number; clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const unreadable = new Map<Channel, string>();
  const sampleOne = async (channel: Channel) => {
    const reading = await read(channel, rates.parked(channel) > 0);
    const why = reading.kind === "unreadable" ? reading.why : undefined;
    if (why !== unreadable.get(channel)) log.warn({ channel, why: why ?? "it can be read again" }, "the queue's reading changed");
    if (why === undefined) unreadable.delete(channel);
    else unreadable.set(channel, why);
    rates.read(channel, reading);
  };
  while (!signal.aborted) {
    const begun = clock.monotonic();
    await Promise.all(rates.channels.map(sampleOne));
    await clock.sleep(Math.max(0, everyMs - (clock.monotonic() - begun)), signal);
  }
}
