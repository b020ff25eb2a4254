import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { createLogger } from "../../runtime/logger.ts";
import { startRedis } from "../../test/support/servers.ts";
import { connectRedis } from "./connect.ts";
import { createCrashCounter } from "./crash-counter.ts";

const server = await startRedis();
const redis = await connectRedis(server.url, { log: createLogger("test", "silent", { write() {} }) });
after(async () => {
  await redis[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** Takes no deletion, as one whose deletions a failover has lost. */
const forgetful = new Proxy(redis, {
  get: (target, name) => (name === "del" ? async () => 0 : Reflect.get(target, name, target)),
}) as Redis;

test("a message that is handed back is never counted as crashed, whichever deletions Redis loses", async () => {
  const counter = createCrashCounter(forgetful, 60_000);
  for (let deliveries = 0; deliveries < 20; deliveries++) {
    const { crashes, begin } = await counter.arrived("healthy");
    assert.equal(crashes, 0);
    await begin();
    await counter.end("healthy");
  }
});

test("a handling that did not end until ack_wait had passed is a crash, counted once", async () => {
  const ackWaitMs = 200;
  const counter = createCrashCounter(redis, ackWaitMs);
  for (let crashes = 0; crashes < 3; crashes++) {
    const arrival = await counter.arrived("killer");
    assert.equal(arrival.crashes, crashes);
    await arrival.begin();
    await delay(ackWaitMs);
  }
  assert.equal((await counter.arrived("killer")).crashes, 3);
  await delay(ackWaitMs);
  assert.equal((await counter.arrived("killer")).crashes, 3, "it did not begin again");
  await counter.end("killer");
  assert.equal((await counter.arrived("killer")).crashes, 0);
});

test("the wait for its turn counts as a part of the handling", async () => {
  const ackWaitMs = 400;
  const counter = createCrashCounter(redis, ackWaitMs);
  const arrival = await counter.arrived("late");
  await delay(ackWaitMs);
  await arrival.begin();
  assert.equal((await counter.arrived("late")).crashes, 1);
});

test("while Redis is unavailable nothing is counted, and nothing rejects", async () => {
  const away = new Proxy(redis, { get: () => async () => Promise.reject(new Error("away")) }) as Redis;
  const counter = createCrashCounter(away, 1);
  const { crashes, begin } = await counter.arrived("any");
  assert.equal(crashes, 0);
  await begin();
  await counter.end("any");
});
