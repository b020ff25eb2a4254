// NATS and Redis fail while notifications are accepted: every accepted one is sent once.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { CHANNELS } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Accepted } from "../../gen/carillon/v1/notification_service.ts";
import { allArriveOnce } from "../support/arrived-once.ts";
import { fresh, freshEndpoint } from "../support/fresh.ts";
import { startNats, startRedis } from "../support/servers.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, mail, notification, optOut, sendBatch, toEndpoint } from "./calls.ts";

const WATCHDOG_AND_SOME_MS = 60_000;

describe("while notifications are accepted", { concurrency: true }, () => {
  test("NATS is killed and restarted: everything accepted meanwhile is sent once", async () => {
    await using nats = await startNats();
    await using system = await startSystem({ NATS_URL: nats.url });
    const before = await accept(system, 100);
    await nats.kill();
    const meanwhile = await accept(system, 100);
    // The relay publishes these when they are due, and cannot reach NATS at first.
    const scheduled = await accept(system, 100, () => ({ sendAt: new Date(Date.now() + 500) }));
    await nats.restart();
    await allArriveOnce(system, [...before, ...meanwhile, ...scheduled], WATCHDOG_AND_SOME_MS);
  });

  test("NATS is restarted with an empty disk: the streams are created again, and nothing is lost", async () => {
    await using nats = await startNats();
    await using system = await startSystem({ NATS_URL: nats.url, DISPATCH_IN_FLIGHT: "2" });
    for (const provider of ["apns", "fcm", "webpush", "twilio", "sendgrid"] as const)
      system.sandbox.faults.order({ provider, times: 1_000, do: { kind: "delay", ms: 200 } });
    const before = await accept(system, 100);
    await system.sandbox.ledger.arrived({}, 5);
    await nats.kill();
    // Their tasks are published and then lost; only the watchdog publishes them again.
    assert.ok(system.sandbox.ledger.entries().length < before.length / 2);
    const meanwhile = await accept(system, 50);
    rmSync(join(dirname(nats.logFile), "jetstream"), { recursive: true });
    await nats.restart();
    system.sandbox.faults.clear();
    const afterwards = await accept(system, 50);
    await allArriveOnce(system, [...before, ...meanwhile, ...afterwards], WATCHDOG_AND_SOME_MS);
  });

  test("Redis is killed: sending continues, opt-outs are honoured, and its restart changes nothing", async () => {
    await using redis = await startRedis();
    await using system = await startSystem({ REDIS_URL: redis.url });
    const [early, late] = [mail(`${fresh("early")}@example.com`), mail(`${fresh("late")}@example.com`)];
    await optOut(system, early);
    const before = await accept(system, 50);
    await redis.kill();
    const meanwhile = await accept(system, 100);
    await optOut(system, late);
    await expectSuppressed(system, [early, late]);
    await allArriveOnce(system, [...before, ...meanwhile], WATCHDOG_AND_SOME_MS);
    await redis.restart();
    const afterwards = await accept(system, 50);
    await expectSuppressed(system, [early, late]);
    await allArriveOnce(system, [...before, ...meanwhile, ...afterwards], WATCHDOG_AND_SOME_MS);
  });
});

/** Accepts `count` at once, over all channels. */
async function accept(system: TestSystem, count: number, about: () => { sendAt?: Date } = () => ({})): Promise<Accepted[]> {
  const items = Array.from({ length: count }, (_, i) =>
    notification({ recipient: toEndpoint(freshEndpoint(CHANNELS[i % CHANNELS.length]!, system.sandbox)), ...about() }),
  );
  const results = await sendBatch(system, items);
  return results.map((r) => {
    assert.ok(r?.$case === "accepted", "Send is accepted during the outage");
    return r.value;
  });
}

async function expectSuppressed(system: TestSystem, endpoints: readonly Endpoint[]): Promise<void> {
  const results = await sendBatch(
    system,
    endpoints.map((e) => notification({ recipient: toEndpoint(e) })),
  );
  for (const r of results) {
    assert.ok(r?.$case === "accepted");
    const delivery = await ended(system, r.value);
    assert.deepEqual([delivery.state, delivery.reason], ["suppressed", { code: "opted-out" }]);
  }
}
