import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { startRedis } from "../../test/support/servers.ts";
import { UnreachableError } from "../unreachable.ts";
import { connectRedis, redisFault } from "./connect.ts";

const log = createLogger("test", "silent");
const FAST = { log, connectDeadlineMs: 300 };

test("a start without Redis names host, port and remedy, and no password", async () => {
  await assert.rejects(connectRedis("redis://someone:hush@127.0.0.1:1", FAST), (error) => {
    assert.ok(error instanceof UnreachableError);
    assert.match(error.message, /127\.0\.0\.1:1 .*ECONNREFUSED.*REDIS_URL/);
    assert.doesNotMatch(error.message + error.stack, /hush|someone/);
    return true;
  });
});

test("a wrong password is reported without its value, and the right one may come from a file or the URL", async () => {
  await using server = await startRedis();
  const admin = new Redis(server.url);
  await admin.config("SET", "requirepass", "right-one");
  admin.disconnect();
  await assert.rejects(connectRedis(server.url, { ...FAST, password: "wrong-one" }), (error) => {
    assert.ok(error instanceof UnreachableError);
    assert.match(error.message, /WRONGPASS/);
    assert.doesNotMatch(error.message, /wrong-one/);
    return true;
  });
  await using byFile = await connectRedis(server.url, { log, password: "right-one" });
  assert.equal(await byFile.ping(), "PONG");
  await using byUrl = await connectRedis(`redis://:right-one@127.0.0.1:${server.port}`, { log });
  assert.equal(await byUrl.ping(), "PONG");
});

test("while Redis is unavailable commands reject at once, none is sent later, and it is used again after the reconnection", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  await server.kill();
  await eventually("the loss is noticed", () => redis.status !== "ready");
  await assert.rejects(redis.set("k", "sent while away"), (error) => redisFault(error) === "not-connected");
  await server.restart();
  await eventually("it is back", () => redis.status === "ready");
  assert.equal(await redis.get("k"), null);
});

test("a call to a hanging Redis ends at its deadline", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  assert.ok(server.pid);
  process.kill(server.pid, "SIGSTOP");
  try {
    await assert.rejects(redis.get("k"), (error) => redisFault(error) === "timeout");
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
});

test("a role that works without Redis starts without it, says so once, and uses it once it is there", async () => {
  await using server = await startRedis();
  await server.kill();
  const lines: string[] = [];
  const log = createLogger("test", "warn", { write: (line: string) => void lines.push(line) });
  await using redis = await connectRedis(server.url, { log, withoutIt: "it does without" });
  await assert.rejects(redis.ping());
  assert.equal(lines.filter((line) => line.includes("it does without")).length, 1);
  await server.restart();
  await eventually("it is used", async () => (await redis.ping().catch(() => "")) === "PONG");
  assert.equal(lines.length, 1);
});
