import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import type { Clock } from "../../core/ports/clock.ts";
import { createOwnReading, type ReadingOptions, type SharedReading, takeReading } from "../../core/ports/shared-reading.ts";

const COUNT = readFileSync(new URL("./gateway-peers.lua", import.meta.url), "utf8");
const PEERS = "carillon:gateways";
/** Between two signs of life; one that gave none for LIVES_MS is not counted. */
const BEAT_MS = 5_000;
const LIVES_MS = 20_000;
/** How long one process has for a reading before another takes it. */
const READING_MS_MAX = 30_000;

/** The gateways that share a Redis: how many there are, and readings of the store that one of them takes for all. */
export interface GatewayPeers {
  /** By the last answer of Redis; 1 before the first. */
  count(): number;
  read: SharedReading;
  /** Counts until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createGatewayPeers(redis: Redis, clock: Clock): GatewayPeers {
  const id = randomBytes(8).toString("hex");
  const readAlone = createOwnReading(clock);
  let known = 1;
  return {
    count: () => known,
    read: (name, take, options) => read(redis, { clock, id, readAlone, name, take, options }),
    async run(signal) {
      while (!signal.aborted) {
        const answer: unknown = await redis.eval(COUNT, 1, PEERS, id, LIVES_MS).catch(() => undefined);
        if (Number.isSafeInteger(answer) && Number(answer) > 0) known = Number(answer);
        await clock.sleep(BEAT_MS, signal);
      }
      await redis.zrem(PEERS, id).catch(() => undefined);
    },
  };
}

interface Reading {
  clock: Clock;
  id: string;
  readAlone: SharedReading;
  name: string;
  take: () => Promise<number>;
  options: ReadingOptions;
}

/** The value that any gateway read lately; else reads it, unless another is doing so and an older value is there. */
async function read(redis: Redis, { clock, id, readAlone, name, take, options }: Reading): Promise<number> {
  const key = `carillon:reading:${name}`;
  const [last, by] = [`${key}:last`, `${key}:by`];
  try {
    const fresh = await redis.get(key);
    if (fresh !== null) return Number(fresh);
    const isMine = (await redis.set(by, id, "PX", READING_MS_MAX, "NX")) === "OK";
    const before = isMine ? null : await redis.get(last);
    if (before !== null) return Number(before);
  } catch {
    return readAlone(name, take, options);
  }
  const { value, freshMs } = await takeReading(take, options, clock).catch(async (error: unknown) => {
    await redis.del(by).catch(() => undefined);
    throw error;
  });
  const write = redis.multi().set(key, value, "PX", freshMs).set(last, value, "PX", options.trustMs).del(by);
  await write.exec().catch(() => undefined);
  return value;
}
