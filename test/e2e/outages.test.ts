// Servers that can be rebuilt go away while notifications come in: everything accepted ends, each once.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Accepted } from "../../gen/carillon/v1/notification_service.ts";
import { readAudit } from "../../operations/audit/read-audit.ts";
import { systemClock } from "../../runtime/clock.ts";
import { fresh, freshEndpoint } from "../support/fresh.ts";
import { startNats, startRedis } from "../support/servers.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, mail, notification, optOut, sendBatch, settled, toEndpoint, wentOut } from "./calls.ts";

/** The watchdog looks at what was published and never came back after 30 s; a machine busy with other things takes its time. */
const limits = { timeout: 100_000 };
const WATCHDOG_AND_SOME_MS = 60_000;

describe("while notifications come in", { ...limits, concurrency: true }, () => {
  test("NATS is killed, and comes back: what was accepted meanwhile goes out, each once", limits, async () => {
    await using nats = await startNats();
    await using system = await startSystem({ NATS_URL: nats.url });
    const before = await accept(system, 100);
    await nats.kill();
    const meanwhile = await accept(system, 100);
    // What is due later is the relay's to publish, which finds nobody at first.
    const scheduled = await accept(system, 100, () => ({ sendAt: new Date(Date.now() + 500) }));
    await nats.restart();
    await allArriveOnce(system, [...before, ...meanwhile, ...scheduled]);
  });

  test("NATS comes back with an empty disk: the streams are made anew, and nothing is missing", limits, async () => {
    await using nats = await startNats();
    await using system = await startSystem({ NATS_URL: nats.url, DISPATCH_IN_FLIGHT: "2" });
    for (const provider of ["apns", "fcm", "webpush", "twilio", "sendgrid"] as const)
      system.sandbox.faults.order({ provider, times: 1_000, do: { kind: "delay", ms: 200 } });
    const before = await accept(system, 100);
    await system.sandbox.ledger.arrived({}, 5);
    await nats.kill();
    // Published and lost: nobody but the watchdog knows of them.
    assert.ok(system.sandbox.ledger.entries().length < before.length / 2);
    const meanwhile = await accept(system, 50);
    rmSync(join(dirname(nats.logFile), "jetstream"), { recursive: true });
    await nats.restart();
    system.sandbox.faults.clear();
    const afterwards = await accept(system, 50);
    await allArriveOnce(system, [...before, ...meanwhile, ...afterwards]);
  });

  test("Redis is killed: sending goes on, rejections are obeyed, and its return changes nothing", limits, async () => {
    await using redis = await startRedis();
    await using system = await startSystem({ REDIS_URL: redis.url });
    const [early, late] = [mail(`${fresh("early")}@example.com`), mail(`${fresh("late")}@example.com`)];
    await optOut(system, early);
    const before = await accept(system, 50);
    await redis.kill();
    const meanwhile = await accept(system, 100);
    await optOut(system, late);
    await rejected(system, [early, late]);
    await allArriveOnce(system, [...before, ...meanwhile]);
    await redis.restart();
    const afterwards = await accept(system, 50);
    await rejected(system, [early, late]);
    await allArriveOnce(system, [...before, ...meanwhile, ...afterwards]);
  });
});

/** Accepts `count` at once, over all channels. */
async function accept(system: TestSystem, count: number, about: () => { sendAt?: Date } = () => ({})): Promise<Accepted[]> {
  const items = Array.from({ length: count }, (_, i) =>
    notification({ recipient: toEndpoint(freshEndpoint(CHANNELS[i % CHANNELS.length]!, system.sandbox)), ...about() }),
  );
  const results = await sendBatch(system, items);
  return results.map((r) => {
    assert.ok(r?.$case === "accepted", "Send is accepted whatever is away");
    return r.value;
  });
}

/** Exactly what was accepted is in the ledger, no more and no less, and no promise is broken. */
async function allArriveOnce(system: TestSystem, accepted: readonly Accepted[]): Promise<void> {
  const records = await settled(
    system,
    accepted.map((a) => a.notificationId),
    { waitMs: WATCHDOG_AND_SOME_MS },
  );
  for (const { deliveries } of records) for (const d of deliveries) assert.ok(wentOut(d), `${d.channel}: ${d.state}, ${d.reason?.code}`);
  const taken = system.sandbox.ledger.acceptances();
  const ids = accepted.flatMap((a) => a.deliveries.map((d) => d.deliveryId));
  assert.deepEqual(new Map([...taken].sort()), new Map(ids.sort().map((id) => [id, 1])));
  await using store = await openStore(system.storeUrl);
  const audit = await readAudit({ store, clock: systemClock }, { taken: system.sandbox.ledger.acceptances(), accepted: new Set(ids) });
  assert.deepEqual(
    audit.checks.filter((c) => !c.holds),
    [],
  );
  assert.equal(audit.open, 0);
}

async function rejected(system: TestSystem, endpoints: readonly Endpoint[]): Promise<void> {
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
