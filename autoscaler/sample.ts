import type { QueueReader } from "../adapters/nats/queue-state.ts";
import type { Channel } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Rates } from "./rates.ts";

/** Reads every channel's queue every `everyMs` until the signal aborts. Logs once when a queue becomes unreadable, and once when it recovers. */
export async function sampleQueues(
  read: QueueReader,
  rates: Rates,
  { everyMs, clock, log, signal }: { everyMs: number; clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const unreadable = new Map<Channel, string>();
  const sampleOne = async (channel: Channel) => {
    const reading = await read(channel, rates.parked(channel) > 0);
    const why = reading.kind === "unreadable" ? reading.why : undefined;
    const before = unreadable.get(channel);
    if (why !== undefined && why !== before) log.warn({ channel, why }, "queue cannot be read");
    if (why === undefined && before !== undefined) log.info({ channel }, "queue can be read again");
    if (why === undefined) unreadable.delete(channel);
    else unreadable.set(channel, why);
    rates.addReading(channel, reading);
  };
  while (!signal.aborted) {
    const begun = clock.monotonic();
    await Promise.all(rates.channels.map(sampleOne));
    await clock.sleep(Math.max(0, everyMs - (clock.monotonic() - begun)), signal);
  }
}
