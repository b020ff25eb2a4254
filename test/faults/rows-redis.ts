// Redis: emptied, killed, stopped, evicting, disconnected. All its data can be rebuilt.
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { DidNotHappen, happened, type Row } from "./row.ts";
import type { World } from "./world.ts";

const AWAY_MS = 5_000;

/** A connection to the server itself, not through the line. */
export async function withRedis<T>({ redis }: World, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(redis.url);
  client.on("error", () => undefined);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** Names of counters in INFO. */
async function info(client: Redis, name: string): Promise<number> {
  return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(await client.info())?.[1] ?? 0);
}

export const REDIS_ROWS: readonly Row[] = [
  {
    name: "redis-flushall",
    about: "Redis: FLUSHALL, three times, a second apart",
    inject: (world) =>
      withRedis(world, async (client) => {
        let keys = 0;
        for (let times = 0; times < 3; times++) {
          keys += await client.dbsize();
          await client.flushall();
          await delay(1_000);
        }
        return happened(keys, "keys flushed");
      }),
  },
  {
    name: "redis-opt-outs-lost",
    about: "Redis: every set of opt-outs deleted; then the sentinels that say a set is complete",
    inject: (world) =>
      withRedis(world, async (client) => {
        const sets = await client.keys("carillon:opt-out:{*}");
        const deleted = sets.length > 0 ? await client.del(...sets) : 0;
        await delay(AWAY_MS / 2);
        let unsealed = 0;
        for (const key of await client.keys("carillon:opt-out:{*}")) unsealed += await client.srem(key, "0");
        await delay(AWAY_MS / 2);
        return `${happened(deleted, "sets deleted")}, ${happened(unsealed, "sentinels removed")}`;
      }),
  },
  {
    name: "redis-kill",
    about: "Redis: kill -9 without persistence, down for 5 s, restarted empty",
    async inject({ redis }) {
      const { pid } = redis;
      await redis.kill();
      await delay(AWAY_MS);
      await redis.restart();
      return happened(Number(redis.pid !== pid), "server died by SIGKILL and another one is empty");
    },
  },
  {
    name: "redis-pause",
    about: "Redis: SIGSTOP for 8 s, SIGCONT",
    async inject(world) {
      const { pid } = world.redis;
      if (pid === undefined) throw new DidNotHappen("Redis did not run");
      process.kill(pid, "SIGSTOP");
      await delay(8_000);
      process.kill(pid, "SIGCONT");
      const answered = await withRedis(world, (client) => client.ping());
      return `${happened(Number(answered === "PONG" && world.redis.pid === pid), "server was stopped for 8 s and resumed")}`;
    },
  },
  {
    name: "redis-evicting",
    about: "Redis: maxmemory of 1 MB with allkeys-lru set while running, and foreign keys that evict ours",
    inject: (world) =>
      withRedis(world, async (client) => {
        const before = await info(client, "evicted_keys");
        await client.config("SET", "maxmemory-policy", "allkeys-lru");
        await client.config("SET", "maxmemory", "1mb");
        for (let n = 0; n < 50; n++) {
          await client.set(`stranger:${n}`, Buffer.alloc(20_000)).catch(() => undefined);
          await delay(100);
        }
        const evicted = (await info(client, "evicted_keys")) - before;
        await client.config("SET", "maxmemory", "0");
        await client.config("SET", "maxmemory-policy", "noeviction");
        return happened(evicted, "keys evicted");
      }),
  },
  {
    name: "redis-half-open",
    about: "Redis: the network drops everything both ways for 8 s, and the sockets stay open",
    async inject({ lines }) {
      const before = lines.redis.counts.swallowedBytes;
      lines.redis.set({ kind: "half-open" });
      await delay(8_000);
      lines.redis.set(undefined);
      return happened(lines.redis.counts.swallowedBytes - before, "bytes dropped");
    },
  },
];
