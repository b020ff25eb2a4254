import type { Redis } from "ioredis";

/** A count expires this long after its last start, in ms: longer than the redelivery of a message that crashes its workers takes. */
const MEMORY_MS = 3_600_000;

/** Counts starts of messages that were not ended, which a worker that crashes leaves behind. A count that Redis loses starts again from 0. */
export interface CrashCounter {
  /** Starts without an end; 0 while Redis is unavailable. */
  begun(id: string): Promise<number>;
  begin(id: string): Promise<void>;
  end(id: string): Promise<void>;
}

export function createCrashCounter(redis: Redis): CrashCounter {
  const key = (id: string) => `carillon:begun:${id}`;
  const ignored = () => undefined;
  return {
    begun: async (id) => Number((await redis.get(key(id)).catch(ignored)) ?? 0),
    async begin(id) {
      await redis.multi().incr(key(id)).pexpire(key(id), MEMORY_MS).exec().catch(ignored);
    },
    async end(id) {
      await redis.del(key(id)).catch(ignored);
    },
  };
}
