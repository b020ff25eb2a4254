// Redis with other data than it had: restored from an old dump, or another server after a failover that nobody's connection notices.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { endpointId } from "../../adapters/ids.ts";
import { bucketKey, bucketOf, member, OPT_OUT_BUCKETS, subjectHash } from "../../adapters/opt-outs/opt-out-keys.ts";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { OPT_OUT_BOUND_MS } from "../../core/preferences/opt-out-bound.ts";
import { copyRedis } from "../support/redis-copy.ts";
import { startRedis } from "../support/servers.ts";
import type { Person } from "./load.ts";
import { scaled } from "./pace.ts";
import { happened, type Row } from "./row.ts";
import { withRedis } from "./rows-redis.ts";
import { APP } from "./world.ts";

/** Longer than an opt-out may take to be obeyed: within it people opt out of what the old data does not know. */
const OLDER_MS = 8_000;
const FAILOVERS = 3;
/** How far a replica is behind. */
const LAG_MS = 1_000;
const HEAL_POLL_MS = 50;

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
    name: "redis-failover-late",
    about: "Redis: three failovers, 6 s apart, each to a copy of the server that lacks the last second; all connections are cut",
    async inject({ redis, lines }, { load }) {
      await using other = await startRedis();
      let [from, to]: LocalServer[] = [redis, other];
      let lost = 0;
      let healedMs = 0;
      try {
        for (let times = 0; times < FAILOVERS; times++) {
          await copyRedis(from!, to!);
          await delay(LAG_MS);
          const missing = await missingOf(to!, load.persons);
          lost += missing.length;
          lines.redis.retarget([{ host: "127.0.0.1", port: to!.port }]);
          lines.redis.set({ kind: "cut" });
          lines.redis.set(undefined);
          healedMs = Math.max(healedMs, await healed(to!, missing));
          await delay(OLDER_MS - 2 * LAG_MS);
          [from, to] = [to, from];
        }
      } finally {
        lines.redis.retarget([{ host: "127.0.0.1", port: redis.port }]);
      }
      return `${FAILOVERS} failovers, ${happened(lost, "refusals were missing after them")}, all there again after ${Math.round(healedMs)} ms`;
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

interface SetMember {
  key: string;
  value: string;
}

/** What the sets hold of somebody who opted out of everything, or whose endpoint is blocked. */
function refusalOf({ who, endpoint, refuses }: Person): SetMember {
  const subject = who.kind === "user" && refuses === "opt-out" ? userSubject(who.userId) : endpointSubject(endpointId(endpoint));
  const hash = subjectHash(APP, subject);
  return { key: bucketKey(bucketOf(hash, OPT_OUT_BUCKETS)), value: member(hash, { channel: "*", category: "*" }) };
}

/** Refusals that were answered and that the server does not hold. */
function missingOf(server: LocalServer, persons: readonly Person[]): Promise<SetMember[]> {
  const refused = persons.filter(({ refuses, optedOutAt }) => refuses !== "withdrawal" && optedOutAt !== undefined);
  return stillMissing(server, refused.map(refusalOf));
}

async function stillMissing({ url }: LocalServer, members: readonly SetMember[]): Promise<SetMember[]> {
  const client = new Redis(url);
  try {
    const pipeline = client.pipeline();
    for (const { key, value } of members) pipeline.sismember(key, value);
    const found = (await pipeline.exec()) ?? [];
    return members.filter((_, i) => found[i]?.[1] !== 1);
  } finally {
    client.disconnect();
  }
}

/** ms until the server holds them all. Rejects where it takes longer than an opt-out may. */
async function healed(server: LocalServer, members: readonly SetMember[]): Promise<number> {
  const began = performance.now();
  for (;;) {
    const missing = await stillMissing(server, members);
    const ms = performance.now() - began;
    if (missing.length === 0) return ms;
    if (ms > scaled(OPT_OUT_BOUND_MS)) throw new Error(`${missing.length} refusals are missing ${Math.round(ms)} ms after a failover`);
    await delay(HEAL_POLL_MS);
  }
}

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
