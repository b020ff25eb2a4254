// What an outage of the provider does to the required rate.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueueState } from "../adapters/nats/queue-state.ts";
import { CHANNELS } from "../core/delivery/channel.ts";
import { replicasFor, SCALING_DEFAULTS } from "../core/scaling/scaling.ts";
import { Channel, near, sms } from "../test/support/channel-rates.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { createRates } from "./rates.ts";

test("an outage of the provider adds no pods, though its tasks return again and again", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  channel.pods({ called: 200 });
  const before = channel.run(60, 100);
  // Every delivery is retried, and its tasks wait for the deadline of a provider that hangs.
  channel.pods({ called: 400, failed: 390 });
  channel.queue(2_000, 1_000, 90_000);
  const pods = replicasFor(before, { ...sms, maxReplicas: 1_000 });
  for (let s = 0; s < 600; s += 2) assert.equal(replicasFor(channel.run(2, 300), { ...sms, maxReplicas: 1_000 }), pods, `after ${s} s`);
  near(channel.rate(), before);
  assert.ok(channel.rates.held("sms"));
  // The provider recovers, and the backlog is sent.
  channel.pods({ called: 400, failed: 4 });
  channel.queue(20_000, 1_000, 90_000);
  assert.ok(channel.run(20, 300) > 5 * before);
  assert.equal(channel.rates.held("sms"), false);
});

test("an outage in which every circuit breaker is open adds no pods either", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  channel.pods({ called: 200 });
  const before = channel.run(60, 100);
  channel.pods({ called: 200, failed: 200 });
  channel.run(10, 100);
  channel.pods({ parked: 3_000 });
  channel.queue(0, 3_400, 3_600_000);
  near(channel.run(120, 100), before);
});

test("an outage in which everything waits in the store adds no pods when some of it returns", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  channel.pods({ called: 200 });
  const before = channel.run(60, 100);
  channel.pods({ called: 200, failed: 200 });
  channel.run(10, 100);
  channel.pods({ waiting: 3_000 });
  channel.queue(3_400, 0, 3_600_000);
  near(channel.run(120, 100), before);
  assert.equal(channel.rates.view("sms")?.parked, 0, "it is not in the queue, so that the backlog is not reduced by it");
});

test("an autoscaler that starts during an outage asks for no more than the one before it", () => {
  const channel = new Channel();
  channel.pods({ called: 200, failed: 200, parked: 3_000 });
  channel.queue(360_000, 3_400, 3_600_000);
  near(channel.run(60, 100), 110);
  assert.ok(channel.rates.held("sms"));
});

test("during an outage the rate may fall", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  channel.pods({ called: 200 });
  const before = channel.run(60, 100);
  channel.pods({ called: 200, failed: 200 });
  channel.queue(0, 1, 3_600_000);
  // Old tasks are the outage's doing, and do not raise the rate.
  assert.ok(channel.run(120, 10) < before / 5);
});

test("the rate limit holds during an outage", () => {
  const limited = { ...SCALING_DEFAULTS, sms: { ...sms, rateLimitPerSecond: 50 } };
  const clock = createFakeClock();
  const rates = createRates(CHANNELS, limited, clock);
  const state: QueueState = { ...new Channel().state, waiting: 90_000, messages: 90_000 };
  for (let s = 0; s < 20; s += 2) {
    clock.advance(2_000);
    rates.addReport("sms", { worker: "w", parked: 0, called: 10, failed: s > 10 ? 10 : 0, busyMs: 0 });
    rates.addReading("sms", { kind: "read", state });
  }
  assert.deepEqual(rates.current("sms"), { kind: "known", perSecond: 50, active: true, at: clock.now() });
});
