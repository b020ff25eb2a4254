// The claim's script, called by the Redis client with nothing of the product around it: as many claims in a call, and as many calls at once, as the product makes.
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { answering } from "../answering.ts";

const CLAIMS_EACH = 100;
const CALLS = 4;
const TTL_MS = 600_000;
/** As a pod is called. */
const HOLDER = "dispatcher-apns@carillon-dispatcher-apns-7c9f8d6b5-x2x7q-1a2b3c4d:1234567";

const [redisUrl = ""] = process.argv.slice(2);
const redis = new Redis(redisUrl);
const sha = String(await redis.script("LOAD", readFileSync(new URL("../../adapters/redis/claims.lua", import.meta.url), "utf8")));
let made = Date.now() * 1_000;

async function claim(count: number): Promise<void> {
  const keys = Array.from({ length: count }, () => `carillon:claim:${String(++made).padStart(32, "0")}-0/1`);
  const answers = await redis.evalsha(sha, count, ...keys, ...keys.flatMap(() => [HOLDER, TTL_MS]));
  if (!Array.isArray(answers) || answers.some((answer) => answer !== 1)) throw new Error("a claim was not given");
}

/** None: removes those that are there. */
answering(async ({ claims }: { claims: number }) => {
  if (claims === 0) await redis.flushdb();
  const began = performance.now();
  let left = claims;
  const caller = async () => {
    while (left > 0) {
      const count = Math.min(left, CLAIMS_EACH);
      left -= count;
      await claim(count);
    }
  };
  await Promise.all(Array.from({ length: CALLS }, caller));
  return { ms: performance.now() - began };
});
