import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { startRedis } from "../../test/support/servers.ts";
import { UnsafeSettingError } from "../unsafe-setting.ts";
import { connectRedis } from "./connect.ts";
import { redisDangers } from "./settings.ts";

const silent = createLogger("test", "silent");

/** The operator's connection. */
function administer(url: string) {
  const redis = new Redis(url);
  return Object.assign(redis, { [Symbol.dispose]: () => redis.disconnect() });
}

async function rejects(url: string, says: RegExp): Promise<void> {
  await assert.rejects(connectRedis(url, { log: silent }), (error) => {
    assert.ok(error instanceof UnsafeSettingError, String(error));
    assert.match(error.message, says);
    assert.doesNotMatch(error.message, /hush/);
    return true;
  });
}

test("a Redis that evicts is rejected with the policy and the fix; with noeviction, or without a bound, it is used", async () => {
  await using server = await startRedis();
  using admin = administer(server.url);
  for (const policy of ["allkeys-lru", "volatile-ttl"]) {
    await admin.config("SET", "maxmemory-policy", policy, "maxmemory", "100mb");
    const says = new RegExp(
      `^Redis at 127\\.0\\.0\\.1:${server.port}: maxmemory-policy is ${policy}: .*; CONFIG SET maxmemory-policy noeviction`,
    );
    await rejects(server.url, says);
  }
  await admin.config("SET", "maxmemory-policy", "noeviction");
  await (await connectRedis(server.url, { log: silent }))[Symbol.asyncDispose]();
  await admin.config("SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "0");
  await (await connectRedis(server.url, { log: silent }))[Symbol.asyncDispose]();
});

test("a user without CONFIG sees it too; for one without INFO a line says that nothing is checked", async () => {
  await using server = await startRedis();
  using admin = administer(server.url);
  await admin.config("SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "100mb");
  await admin.acl("SETUSER", "careful", "on", ">hush", "~*", "&*", "+@all", "-@admin", "-@dangerous", "+info");
  const url = `redis://careful:hush@127.0.0.1:${server.port}`;
  using careful = administer(url);
  await assert.rejects(careful.config("GET", "maxmemory-policy"), /NOPERM/);
  await rejects(url, /maxmemory-policy is allkeys-lru/);
  await admin.acl("SETUSER", "careful", "-info");
  const lines: string[] = [];
  await using redis = await connectRedis(url, { log: createLogger("test", "warn", { write: (line) => void lines.push(line) }) });
  assert.equal(await redis.ping(), "PONG");
  assert.match(lines.join(""), /settings are not checked.*\+info/);
});

test("a replica is rejected, with where its master is", async () => {
  await using master = await startRedis();
  await using replica = await startRedis();
  using admin = administer(replica.url);
  await admin.replicaof("127.0.0.1", master.port);
  await rejects(replica.url, new RegExp(`role is slave: it takes no write; point REDIS_URL at its master, 127\\.0\\.0\\.1:${master.port}`));
});

test("unsafe settings made while connected are logged on the next connection, and Redis is still used", async () => {
  await using server = await startRedis();
  const lines: string[] = [];
  await using redis = await connectRedis(server.url, { log: createLogger("test", "warn", { write: (line) => void lines.push(line) }) });
  using admin = administer(server.url);
  await admin.config("SET", "maxmemory-policy", "allkeys-lfu", "maxmemory", "100mb");
  await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await eventually("it is logged", () => lines.some((line) => /"level":"error".*maxmemory-policy is allkeys-lfu/.test(line)));
  assert.equal(await redis.ping(), "PONG");
});

test("versions and modes are checked as INFO reports them; a missing one is not checked", () => {
  const fine = { redis_version: "7.2.4", redis_mode: "standalone", role: "master", maxmemory: "0", maxmemory_policy: "allkeys-lru" };
  const cases: [over: Record<string, string>, settings: string[]][] = [
    [{}, []],
    [{ redis_version: "7.0.15" }, []],
    [{ redis_version: "6.2.16" }, ["redis_version"]],
    [{ redis_version: "255.255.255" }, []],
    [{ redis_mode: "cluster" }, ["redis_mode"]],
    [{ redis_mode: "sentinel" }, ["redis_mode"]],
    [{ role: "slave", master_host: "h", master_port: "1" }, ["role"]],
    [{ maxmemory: "1" }, ["maxmemory-policy"]],
    [{ maxmemory: "1", maxmemory_policy: "noeviction" }, []],
    [{ maxmemory: "1", redis_version: "5.0.0" }, ["redis_version", "maxmemory-policy"]],
  ];
  for (const [over, settings] of cases)
    assert.deepEqual(
      redisDangers({ ...fine, ...over }).map((d) => d.setting),
      settings,
    );
  assert.deepEqual(redisDangers({}), []);
});
