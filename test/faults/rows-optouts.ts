// Redis with other data than it had: restored from an old dump, or another server after a failover that nobody's connection notices.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { copyRedis } from "../support/redis-copy.ts";
import { startRedis } from "../support/servers.ts";
import { happened, type Row } from "./row.ts";
import { withRedis } from "./rows-redis.ts";

/** Longer than an opt-out may take to be obeyed: within it people opt out of what the old data does not know. */
const OLDER_MS = 8_000;

export const OPT_OUT_ROWS: readonly Row[] = [
  {
    name: "redis-old-dump",
    about: "Redis: kill -9, and restarted with a dump that is 8 s old",
    async inject(world) {
      const { redis } = world;
      const file = await withRedis(world, async (client) => {
        await client.save();
        const [dir, name] = [await client.config("GET", "dir"), await client.config("GET", "dbfilename")] as [string[], string[]];
        return join(dir[1] ?? "", name[1] ?? "");
      });
      await delay(OLDER_MS);
      const { pid } = redis;
      await redis.kill();
      await redis.restart();
      // The next start of this server is to be an empty one again.
      rmSync(file, { force: true });
      const sets = await withRedis(world, async (client) => (await client.keys("carillon:opt-out:{*}")).length);
      await delay(OLDER_MS);
      return `${happened(Number(redis.pid !== pid), "server died by SIGKILL")}, ${happened(sets, "old sets of opt-outs restored")}`;
    },
  },
  {
    name: "redis-failover-open",
    about:
      "Redis: new connections lead to a copy of the server, half of the open ones stay with the old one, which goes on as before, for 16 s",
    async inject(world) {
      const { redis, lines } = world;
      await using next = await startRedis();
      await copyRedis(redis, next);
      lines.redis.retarget([{ host: "127.0.0.1", port: next.port }]);
      try {
        const { moved, stayed } = await withRedis(world, halveConnections);
        await delay(2 * OLDER_MS);
        const there = new Redis(next.url);
        const arrived = (await clientsOf(there)).length - 1;
        there.disconnect();
        return `${happened(moved, "connections cut")}, ${happened(arrived, "connections to the new server")}, ${happened(stayed, "left with the old one")}`;
      } finally {
        lines.redis.retarget([{ host: "127.0.0.1", port: redis.port }]);
      }
    },
  },
];

/** Ids of its connections, ours included. */
async function clientsOf(client: Redis): Promise<string[]> {
  const list = String(await client.client("LIST"));
  return [...list.matchAll(/^id=(\d+) /gm)].map(([, id]) => id ?? "");
}

/** Cuts every other connection, so that of the two that a process has, one often stays. */
async function halveConnections(client: Redis): Promise<{ moved: number; stayed: number }> {
  const own = String(await client.client("ID"));
  const others = (await clientsOf(client)).filter((id) => id !== own);
  const cut = others.filter((_, n) => n % 2 === 0);
  for (const id of cut) await client.client("KILL", "ID", id);
  return { moved: cut.length, stayed: others.length - cut.length };
}
