import type { QueueReader } from "../adapters/nats/queue-state.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStateLog } from "../runtime/state-log.ts";
import type { Rates } from "./rates.ts";

/** Reads every channel's queue every `everyMs` until the signal aborts. Logs once when a queue becomes unreadable, and once when it recovers. */
export async function sampleQueues(
  read: QueueReader,
  rates: Rates,
  { everyMs, clock, log, signal }: { everyMs: number; clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const channels = rates.channels.map((channel) => {
    const say = { lost: `queue of ${channel} cannot be read`, back: `queue of ${channel} can be read again` };
    return { channel, state: createStateLog(log, say, clock.monotonic) };
  });
  const sampleOne = async ({ channel, state }: (typeof channels)[number]) => {
    const reading = await read(channel, rates.parked(channel) > 0);
    if (reading.kind === "unreadable") state.fails(reading.why);
    else state.works();
    rates.addReading(channel, reading);
  };
  while (!signal.aborted) {
    const begun = clock.monotonic();
    await Promise.all(channels.map(sampleOne));
    await clock.sleep(Math.max(0, everyMs - (clock.monotonic() - begun)), signal);
  }
}
