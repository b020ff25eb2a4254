import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import { DEFAULT_ACCOUNT } from "../../core/delivery/account.ts";
import { type Channel, CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import type { Clock, Random } from "../../core/ports/clock.ts";
import { type RateLimiter, type Token, UNLIMITED } from "../../core/ports/rate-limiter.ts";
import { type Bucket, type ByClass, bucketShape, takeTokens } from "./rate-bucket.ts";

const TAKE = readFileSync(new URL("./rate-limiter.lua", import.meta.url), "utf8");
/** A task waits for a token in a dispatcher's hands so long, which holds its class's next ones back in the queue; then it is given back. */
export const TOKEN_WAIT_MS = 1_000;
/** Between two questions while somebody waits: 40 a second at most, and whoever waits is told within this that nothing came. */
export const ASK_AGAIN_MS = { min: 25, max: 100 } as const;
/** After a failure Redis is not asked for this long: each question would cost a command's deadline. */
export const RATE_LIMITER_PAUSE_MS = 1_000;
/** How long the queue keeps what got no token, on average; each stays away between half and one and a half of it. */
const GIVEN_BACK_MS: ByClass<number> = { critical: 1_000, transactional: 3_000, marketing: 10_000 };

const GRANTED: Token = { kind: "granted" };

export interface RateLimiterOptions {
  channel: Channel;
  /** Each account has a bucket of its own; absent: DEFAULT_ACCOUNT, whose key has no account in it. */
  account?: string | undefined;
  /** Calls a second, all pods together; undefined: as many as they can. */
  ratePerSecond: number | undefined;
  /** Aborts on drain: who waits is sent back at once. */
  signal: AbortSignal;
  clock: Clock;
  random: Random;
}

/**
 * Tokens from one bucket in Redis, for however many wait in one round trip. While Redis is away each pod goes by a bucket of its own with the
 * same rate: too fast together, so that then the provider's own 429 governs; stopping a channel because a cache is away would be worse.
 */
export function createRateLimiter(
  redis: Redis,
  { channel, account = DEFAULT_ACCOUNT, ratePerSecond, signal, clock, random }: RateLimiterOptions,
): RateLimiter {
  if (ratePerSecond === undefined) return UNLIMITED;
  interface Waiter {
    until: number;
    tell: (token: Token) => void;
  }
  const shape = bucketShape(ratePerSecond);
  const key = `carillon:rate:${channel}${account === DEFAULT_ACCOUNT ? "" : `/${account}`}`;
  const waiting: ByClass<Waiter[]> = { critical: [], transactional: [], marketing: [] };
  const somebodyWaits = () => CLASSES.some((c) => waiting[c].length > 0);
  let own: Bucket | undefined;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let asking = false;
  let wake = new AbortController();
  signal.addEventListener("abort", () => wake.abort(), { once: true });

  return {
    take(notificationClass) {
      const { promise, resolve } = Promise.withResolvers<Token>();
      const isFirst = waiting[notificationClass].push({ until: clock.monotonic() + TOKEN_WAIT_MS, tell: resolve }) === 1;
      if (!asking) void ask();
      // Those above it may find something where those below it have to wait.
      else if (isFirst) wake.abort();
      return promise;
    },
  };

  async function ask(): Promise<void> {
    asking = true;
    // One microtask later, so that what is asked for in the same turn goes out together.
    await Promise.resolve();
    while (somebodyWaits()) {
      sendBack((waiter) => signal.aborted || waiter.until <= clock.monotonic());
      if (!somebodyWaits()) break;
      wake = new AbortController();
      const { granted, waitMs } = await take(countsOf(waiting));
      for (const c of CLASSES) for (const { tell } of waiting[c].splice(0, granted[c])) tell(GRANTED);
      if (!somebodyWaits() || wake.signal.aborted || signal.aborted) continue;
      const pauseMs = Math.min(ASK_AGAIN_MS.max, Math.max(ASK_AGAIN_MS.min, waitMs));
      // Pods that wait for the same token do not ask for it in step.
      await clock.sleep(pauseMs * (0.5 + random() / 2), wake.signal);
    }
    asking = false;
  }

  async function take(wanted: ByClass<number>): Promise<{ granted: ByClass<number>; waitMs: number }> {
    if (clock.monotonic() >= pausedUntil) {
      try {
        const perClass = CLASSES.flatMap((c) => [wanted[c], shape.leaves[c]]);
        const answer = await redis.eval(TAKE, 1, key, shape.tokensPerMs, shape.capacity, shape.fullAfterMs, ...perClass);
        return readAnswer(answer);
      } catch {
        pausedUntil = clock.monotonic() + RATE_LIMITER_PAUSE_MS;
      }
    }
    const taken = takeTokens(own, shape, wanted, clock.monotonic());
    own = taken.bucket;
    return taken;
  }

  function sendBack(which: (waiter: Waiter) => boolean): void {
    for (const c of CLASSES) {
      const queue = waiting[c];
      // In the order in which they came.
      while (queue[0] && which(queue[0])) {
        const delayMs = signal.aborted ? 0 : Math.round(GIVEN_BACK_MS[c] * (0.5 + random()));
        queue.shift()?.tell({ kind: "later", delayMs });
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
    throw new Error("a number per class, and one more");
  const of = (c: NotificationClass) => Number(numbers[CLASSES.indexOf(c)]);
  const granted = { critical: of("critical"), transactional: of("transactional"), marketing: of("marketing") };
  return { granted, waitMs: Number(numbers[CLASSES.length]) };
}
