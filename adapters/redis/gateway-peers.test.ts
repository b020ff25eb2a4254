import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { startRedis } from "../../test/support/servers.ts";
import { connectRedis } from "./connect.ts";
import { createGatewayPeers } from "./gateway-peers.ts";

const log = createLogger("test", "silent");
const OPTIONS = { everyMs: 5_000, timesCost: 19, trustMs: 90_000 };

test("counts the gateways that live, and forgets one that ends", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const clock = createFakeClock();
  const [a, b] = [createGatewayPeers(redis, clock), createGatewayPeers(redis, clock)];
  assert.equal(a.count(), 1);
  const [stopA, stopB] = [new AbortController(), new AbortController()];
  const running = [a.run(stopA.signal), b.run(stopB.signal)];
  await eventually("both are counted", () => {
    clock.advance(5_000);
    return a.count() === 2 && b.count() === 2;
  });
  stopB.abort();
  await running[1];
  await eventually("one is left", () => {
    clock.advance(5_000);
    return a.count() === 1;
  });
  stopA.abort();
  await running[0];
});

test("one gateway reads for all, and another one reads again once that is old", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const [a, b] = [createGatewayPeers(redis, createFakeClock()), createGatewayPeers(redis, createFakeClock())];
  let reads = 0;
  const take = async () => ++reads;
  assert.equal(await a.read("open", take, OPTIONS), 1);
  assert.equal(await b.read("open", take, OPTIONS), 1);
  await redis.del("carillon:reading:open");
  assert.equal(await b.read("open", take, OPTIONS), 2);
  assert.equal(await b.read("scheduled", take, OPTIONS), 3);
});

test("while one gateway reads, the others use the reading before; the first ones read for themselves", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const [a, b] = [createGatewayPeers(redis, createFakeClock()), createGatewayPeers(redis, createFakeClock())];
  const { promise: gate, resolve: open } = Promise.withResolvers<number>();
  const slow = a.read("open", () => gate, OPTIONS);
  await eventually("the first reads", async () => (await redis.exists("carillon:reading:open:by")) === 1);
  assert.equal(await b.read("open", async () => 5, OPTIONS), 5);
  await redis.del("carillon:reading:open");
  await redis.set("carillon:reading:open:by", "a");
  assert.equal(await b.read("open", async () => 6, OPTIONS), 5);
  open(7);
  assert.equal(await slow, 7);
});

test("a reading that fails is tried again by the next, and without Redis each reads for itself, at intervals", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const clock = createFakeClock();
  const peers = createGatewayPeers(redis, clock);
  await assert.rejects(
    peers.read("open", () => Promise.reject(new Error("away")), OPTIONS),
    /away/,
  );
  assert.equal(await peers.read("open", async () => 1, OPTIONS), 1);
  await server.kill();
  let reads = 10;
  const take = async () => ++reads;
  assert.deepEqual([await peers.read("open", take, OPTIONS), await peers.read("open", take, OPTIONS)], [11, 11]);
  clock.advance(5_000);
  assert.equal(await peers.read("open", take, OPTIONS), 12);
});
