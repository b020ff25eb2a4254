import type { Redis } from "ioredis";
import type { Clock } from "../../core/ports/clock.ts";
import { systemClock } from "../../runtime/clock.ts";

/** A count expires this long after its last change, in ms: longer than the redelivery of a message that crashes its workers takes. */
const MEMORY_MS = 3_600_000;
/** Share of ack_wait after which a copy counts as redelivered by it: the two copies may have taken different times to arrive. */
const ACK_WAIT_SHARE = 0.9;

/**
 * Counts crashes: handlings that began and did not end until the queue delivered the message again for want of an acknowledgement. An end that Redis loses
 * is no crash, because a message that was handed back comes again sooner. What Redis loses of a count starts again from 0.
 */
export interface CrashCounter {
  /** A copy arrived: how often handling the message crashed, the last time included. 0 while Redis is unavailable. */
  arrived(id: string): Promise<CopyArrival>;
  end(id: string): Promise<void>;
}

export interface CopyArrival {
  crashes: number;
  /** The handling of this copy begins. */
  begin(): Promise<void>;
}

/** @param ackWaitMs after which the queue delivers a message again that was not acknowledged */
export function createCrashCounter(redis: Redis, ackWaitMs: number, clock: Pick<Clock, "monotonic"> = systemClock): CrashCounter {
  const begunKey = (id: string) => `carillon:begun:${id}`;
  const crashesKey = (id: string) => `carillon:crashes:${id}`;

  async function crashesOf(id: string): Promise<number> {
    const [begun, crashes] = [begunKey(id), crashesKey(id)];
    const [leftMs, before] = await Promise.all([redis.pttl(begun), redis.get(crashes)]);
    // By Redis's clock, which all workers share: the key was made when the last copy arrived.
    const crashed = leftMs >= 0 && MEMORY_MS - leftMs >= ackWaitMs * ACK_WAIT_SHARE;
    if (!crashed) return Number(before ?? 0);
    // Counted once, also where this copy's handling never begins.
    await redis.del(begun);
    const count = Number(before ?? 0) + 1;
    await redis.set(crashes, count, "PX", MEMORY_MS);
    return count;
  }

  return {
    async arrived(id) {
      const at = clock.monotonic();
      const crashes = await crashesOf(id).catch(() => 0);
      return {
        crashes,
        async begin() {
          const left = Math.max(1, Math.round(MEMORY_MS - (clock.monotonic() - at)));
          await redis.set(begunKey(id), 1, "PX", left).catch(() => undefined);
        },
      };
    },
    async end(id) {
      await redis.del(begunKey(id), crashesKey(id)).catch(() => undefined);
    },
  };
}
