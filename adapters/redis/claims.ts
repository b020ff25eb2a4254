import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import { createBatcher } from "../../runtime/batch.ts";

const CLAIM = readFileSync(new URL("./claims.lua", import.meta.url), "utf8");
/** Claims in one EVAL: about 0.5 ms of Redis's only thread. */
const BATCH_MAX = 100;
/** Beyond it the gate stands open: the store decides. */
const WAITING_MAX = 10_000;
/** Batches under way at once. */
const CONCURRENCY = 4;
/** After a failure Redis is not asked for this long: each question would cost a command's deadline. */
export const CLAIM_PAUSE_MS = 1_000;

/** Turns away copies that arrive at the same moment, before they cost the store anything. */
export interface ClaimGate {
  /**
   * False when another holder has the claim. True permits nothing: keys vanish on a failover or a restart, so the
   * attempt's insert decides, and when Redis is away, slow or full the answer is true. Never rejects.
   */
  mayTry(id: string, holder: string, ttlMs: number): Promise<boolean>;
}

export function createClaimGate(redis: Redis | undefined, { now = () => performance.now() }: { now?: () => number } = {}): ClaimGate {
  if (!redis) return { mayTry: async () => true };
  const batcher = createBatcher<{ id: string; holder: string; ttlMs: number }, boolean>(async (claims) => claimAll(redis, claims), {
    batchMax: BATCH_MAX,
    waitingMax: WAITING_MAX,
    concurrency: CONCURRENCY,
  });
  let pausedUntil = 0;
  return {
    async mayTry(id, holder, ttlMs) {
      if (now() < pausedUntil) return true;
      try {
        return await batcher.add({ id, holder, ttlMs });
      } catch {
        pausedUntil = now() + CLAIM_PAUSE_MS;
        return true;
      }
    },
  };
}

async function claimAll(redis: Redis, claims: readonly { id: string; holder: string; ttlMs: number }[]): Promise<boolean[]> {
  const keys = claims.map((c) => `carillon:claim:${c.id}`);
  const answers = await redis.eval(CLAIM, keys.length, ...keys, ...claims.flatMap((c) => [c.holder, Math.ceil(c.ttlMs)]));
  if (!Array.isArray(answers) || answers.length !== claims.length) throw new Error("as many answers as claims");
  return answers.map((a) => a === 1);
}
