import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import type { Clock } from "../../core/ports/clock.ts";
import { createBatcher } from "../../runtime/batch.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createUseRedis } from "./pause.ts";

const CLAIM = readFileSync(new URL("./claims.lua", import.meta.url), "utf8");
const LIMITS = {
  /** Claims in one EVAL: about 0.5 ms of Redis's only thread. */
  batchMax: 100,
  /** Beyond it the answer is true at once: the store decides. */
  waitingMax: 10_000,
  /** Concurrent batches. */
  concurrency: 4,
};

/** A best-effort lock that rejects copies of a task received at the same moment, before they reach the store. */
export interface ClaimGate {
  /**
   * False when another holder has the claim. True does not grant the claim: keys are lost on a failover or a restart, so the attempt's insert in
   * the store decides. True also while Redis is unavailable, slow or full. Never rejects.
   */
  mayTry(id: string, holder: string, ttlMs: number): Promise<boolean>;
}

export function createClaimGate(redis: Redis | undefined, clock: Pick<Clock, "monotonic" | "nextTurn"> = systemClock): ClaimGate {
  if (!redis) return { mayTry: async () => true };
  const batcher = createBatcher<{ id: string; holder: string; ttlMs: number }, boolean>(
    async (claims) => claimAll(redis, claims),
    LIMITS,
    clock,
  );
  const useRedis = createUseRedis(clock);
  return { mayTry: async (id, holder, ttlMs) => (await useRedis(() => batcher.add({ id, holder, ttlMs }))) ?? true };
}

async function claimAll(redis: Redis, claims: readonly { id: string; holder: string; ttlMs: number }[]): Promise<boolean[]> {
  const keys = claims.map((c) => `carillon:claim:${c.id}`);
  const answers = await redis.eval(CLAIM, keys.length, ...keys, ...claims.flatMap((c) => [c.holder, Math.ceil(c.ttlMs)]));
  if (!Array.isArray(answers) || answers.length !== claims.length) throw new Error("Redis answered with a wrong number of claims");
  return answers.map((a) => a === 1);
}
