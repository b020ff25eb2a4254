import type { Redis } from "ioredis";

/** Forgotten after this without a new beginning: longer than a message that kills its workers takes to come round, in ms. */
const MEMORY_MS = 3_600_000;

/** Which messages were begun and not ended: a worker that dies leaves its own behind. What Redis forgets is counted anew. */
export interface CrashCounter {
  /** Beginnings without an end; 0 where Redis cannot tell. */
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
