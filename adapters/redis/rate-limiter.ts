import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import { DEFAULT_ACCOUNT } from "../../core/delivery/account.ts";
import { type Channel, CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import type { Clock, Random } from "../../core/ports/clock.ts";
import { type RateLimiter, type Token, UNLIMITED } from "../../core/ports/rate-limiter.ts";
import { createUseRedis } from "./pause.ts";
import { type Bucket, type ByClass, bucketShape, takeTokens } from "./rate-bucket.ts";

const TAKE = readFileSync(new URL("./rate-limiter.lua", import.meta.url), "utf8");
/** How long a task waits for a token in a dispatcher, so that the next ones of its class stay in the queue; then it is returned to the queue. */
export const TOKEN_WAIT_MS = 1_000;
/** Between two requests to Redis while tasks wait: at most 40 a second; a wait that ends without a token ends within `max` of its deadline. */
export const ASK_AGAIN_MS = { min: 25, max: 100 } as const;
/** Average delay of a task returned without a token; each delay is between 0.5 and 1.5 times this. */
const GIVEN_BACK_MS: ByClass<number> = { critical: 1_000, transactional: 3_000, marketing: 10_000 };

const GRANTED: Token = { kind: "granted" };

export interface RateLimiterOptions {
  channel: Channel;
  /** Each account has a bucket of its own; absent: DEFAULT_ACCOUNT, whose key has no account in it. */
  account?: string | undefined;
  /** Calls a second, all pods together; undefined: unlimited. */
  ratePerSecond: number | undefined;
  /** Aborts on drain: waiting tasks are returned at once. */
  signal: AbortSignal;
  clock: Clock;
  random: Random;
}

/**
 * Tokens from one bucket in Redis, for all waiting tasks in one round trip. While Redis is unavailable each pod uses a local bucket with the same
 * rate. Together the pods may then exceed the rate and get 429 from the provider; stopping the channel would be worse.
 */
export function createRateLimiter(
  redis: Redis,
  { channel, account = DEFAULT_ACCOUNT, ratePerSecond, signal, clock, random }: RateLimiterOptions,
): RateLimiter {
  if (ratePerSecond === undefined) return UNLIMITED;
  interface Waiter {
    until: number;
    resolve: (token: Token) => void;
  }
  const shape = bucketShape(ratePerSecond);
  const key = `carillon:rate:${channel}${account === DEFAULT_ACCOUNT ? "" : `/${account}`}`;
  const waiting: ByClass<Waiter[]> = { critical: [], transactional: [], marketing: [] };
  const isWaiting = () => CLASSES.some((c) => waiting[c].length > 0);
  let own: Bucket | undefined;
  const useRedis = createUseRedis(clock);
  let asking = false;
  let wake = new AbortController();
  signal.addEventListener("abort", () => wake.abort(), { once: true });

  return {
    take(notificationClass) {
      const { promise, resolve } = Promise.withResolvers<Token>();
      const isFirst = waiting[notificationClass].push({ until: clock.monotonic() + TOKEN_WAIT_MS, resolve }) === 1;
      if (!asking) void ask();
      // A higher class may get a token where the lower ones have to wait.
      else if (isFirst) wake.abort();
      return promise;
    },
  };

  async function ask(): Promise<void> {
    asking = true;
    // One microtask later, so that requests of the same event-loop turn go out together.
    await Promise.resolve();
    while (isWaiting()) {
      sendBack((waiter) => signal.aborted || waiter.until <= clock.monotonic());
      if (!isWaiting()) break;
      wake = new AbortController();
      const { granted, waitMs } = await take(countsOf(waiting));
      for (const c of CLASSES) for (const { resolve } of waiting[c].splice(0, granted[c])) resolve(GRANTED);
      if (!isWaiting() || wake.signal.aborted || signal.aborted) continue;
      const pauseMs = Math.min(ASK_AGAIN_MS.max, Math.max(ASK_AGAIN_MS.min, waitMs));
      // Jitter, so that pods that wait for the same token do not ask at the same moment.
      await clock.sleep(pauseMs * (0.5 + random() / 2), wake.signal);
    }
    asking = false;
  }

  async function take(wanted: ByClass<number>): Promise<{ granted: ByClass<number>; waitMs: number }> {
    const perClass = CLASSES.flatMap((c) => [wanted[c], shape.leaves[c]]);
    const shapeOfBucket = [shape.tokensPerMs, shape.capacity, shape.fullAfterMs];
    const answer = await useRedis(async () => readAnswer(await redis.eval(TAKE, 1, key, ...shapeOfBucket, ...perClass)));
    if (answer) return answer;
    const taken = takeTokens(own, shape, wanted, clock.monotonic());
    own = taken.bucket;
    return taken;
  }

  function sendBack(which: (waiter: Waiter) => boolean): void {
    for (const c of CLASSES) {
      const queue = waiting[c];
      // In order of arrival.
      while (queue[0] && which(queue[0])) {
        const delayMs = signal.aborted ? 0 : Math.round(GIVEN_BACK_MS[c] * (0.5 + random()));
        queue.shift()?.resolve({ kind: "later", delayMs });
      }
    }
  }
}

const countsOf = (waiting: ByClass<readonly unknown[]>): ByClass<number> => ({
  critical: waiting.critical.length,
  transactional: waiting.transactional.length,
  marketing: waiting.marketing.length,
});

function readAnswer(answer: unknown): { granted: ByClass<number>; waitMs: number } {
  const numbers: unknown[] = Array.isArray(answer) ? answer : [];
  if (numbers.length !== CLASSES.length + 1 || !numbers.every((n) => Number.isSafeInteger(n)))
    throw new Error("Redis answered with a wrong number of grants");
  const of = (c: NotificationClass) => Number(numbers[CLASSES.indexOf(c)]);
  const granted = { critical: of("critical"), transactional: of("transactional"), marketing: of("marketing") };
  return { granted, waitMs: Number(numbers[CLASSES.length]) };
}
