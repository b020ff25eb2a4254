import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueueState } from "../adapters/nats/queue-state.ts";
import type { Report } from "../adapters/nats/report.ts";
import { CHANNELS } from "../core/delivery/channel.ts";
import { replicasFor, SCALING_DEFAULTS } from "../core/scaling/scaling.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { autoscalerVariables } from "./config.ts";
import { ACTIVE_MS, createRates, LISTEN_MS, RATE_LIFE_MS } from "./rates.ts";

const sms = { ...SCALING_DEFAULTS.sms, targetRatePerPod: 10, drainMs: 30_000, maxAgeMs: 30_000, serviceMs: 200, minReplicas: 1 };

/** One channel's queue and pods, read and reported every 2 s. */
class Channel {
  readonly clock = createFakeClock();
  readonly rates = createRates(CHANNELS, { ...SCALING_DEFAULTS, sms }, this.clock);
  state: QueueState = {
    ...{ created: "one", lastSequence: 0, messages: 0, bytes: 0, bytesMax: 1_000, waiting: 0, handedOut: 0, ackPendingRatio: 0 },
    ...{ oldestMs: 0, oldestWaitingMs: undefined },
  };
  report: Report | undefined = { worker: "pod-1", parked: 0, called: 0, failed: 0, busyMs: 0 };

  /** @param arriving per second; all of it is handled unless `state` says otherwise */
  run(seconds: number, arriving = 0): number {
    for (let s = 0; s < seconds; s += 2) {
      this.clock.advance(2_000);
      this.state = { ...this.state, lastSequence: this.state.lastSequence + 2 * arriving };
      if (this.report) this.rates.addReport("sms", this.report);
      this.rates.addReading("sms", { kind: "read", state: this.state });
    }
    return this.rate();
  }
  /** Tasks waiting, tasks delivered and not acknowledged, and the age of the oldest. */
  queue(waiting: number, handedOut: number, oldestMs = 100): void {
    this.state = { ...this.state, waiting, handedOut, messages: waiting + handedOut, oldestMs };
  }
  pods(report: Partial<Report>): void {
    this.report = { worker: "pod-1", parked: 0, called: 0, failed: 0, busyMs: 0, ...report };
  }
  lost(): void {
    this.rates.addReading("sms", { kind: "unreadable", why: "NATS did not answer (TimeoutError)" });
  }
  current = () => this.rates.current("sms");
  rate(): number {
    const rate = this.current();
    assert.equal(rate.kind, "known", rate.kind === "unknown" ? rate.why : "");
    return rate.kind === "known" ? rate.perSecond : Number.NaN;
  }
  isActive = () => {
    const rate = this.current();
    return rate.kind === "known" && rate.active;
  };
}
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-6, `${a} instead of ${b}`);

test("the rate is unknown until pods have had time to report", () => {
  const channel = new Channel();
  assert.deepEqual(channel.current(), { kind: "unknown", why: "the queue has not been read yet" });
  channel.queue(0, 5_000);
  channel.pods({ parked: 5_000 });
  for (let waited = 0; waited < LISTEN_MS; waited += 2_000) {
    assert.equal(channel.current().kind, "unknown");
    channel.clock.advance(2_000);
    channel.rates.addReading("sms", { kind: "read", state: channel.state });
  }
  assert.equal(channel.current().kind, "unknown");
});

test("a steady queue needs 1.1 times its arrival rate", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  channel.pods({ called: 200 });
  near(channel.run(20, 100), 110);
  assert.equal(channel.rates.held("sms"), false);
  const { at, ...view } = channel.rates.view("sms")!;
  assert.equal(at, channel.clock.now());
  assert.deepEqual(view, { backlog: 20, parked: 0, arrivalsPerSecond: 100, oldestMs: 100, ackPendingRatio: 0, bytesRatio: 0 });
});

test("a burst drains within the drain time, and faster once its oldest task is overdue", () => {
  const channel = new Channel();
  channel.run(10);
  channel.queue(3_000, 0, 1_000);
  near(channel.run(6), 100);
  channel.queue(3_000, 0, 60_000);
  near(channel.run(6), 200);
});

test("the longest sampling interval allowed still gives a rate", () => {
  const { AUTOSCALER_SAMPLE_MS } = autoscalerVariables;
  const longest = 5_000;
  assert.equal(AUTOSCALER_SAMPLE_MS.parse(String(longest)), longest);
  assert.throws(() => AUTOSCALER_SAMPLE_MS.parse(String(longest + 1)));
  const channel = new Channel();
  for (let i = 0; i < 10; i++) {
    channel.clock.advance(longest);
    channel.rates.addReading("sms", { kind: "read", state: channel.state });
  }
  assert.equal(channel.rate(), 0);
});

test("parked tasks are no backlog, however many and old, and need one pod", () => {
  const channel = new Channel();
  channel.queue(0, 5_000, 3_600_000);
  channel.pods({ parked: 4_999 });
  channel.state = { ...channel.state, oldestWaitingMs: 0 };
  const rate = channel.run(20);
  assert.equal(replicasFor(rate, sms), 1);
  assert.ok(channel.isActive());
  assert.equal(channel.rates.view("sms")?.parked, 4_999);
});

test("where tasks are parked, the age is that of the oldest task never handed out", () => {
  const channel = new Channel();
  channel.queue(3_000, 5_000, 3_600_000);
  channel.pods({ parked: 5_000 });
  channel.state = { ...channel.state, oldestWaitingMs: 1_000 };
  near(channel.run(20), 100);
  channel.state = { ...channel.state, oldestWaitingMs: 90_000 };
  near(channel.run(6), 300);
});

test("reports of more parked tasks than the queue holds give no negative backlog", () => {
  const channel = new Channel();
  channel.queue(0, 10);
  channel.pods({ parked: 5_000 });
  channel.run(10);
  assert.equal(channel.rates.view("sms")?.backlog, 0);
});

test("a pod that stopped reporting has nothing parked", () => {
  const channel = new Channel();
  channel.queue(0, 3_000, 0);
  channel.pods({ parked: 3_000 });
  channel.run(10);
  channel.report = undefined;
  channel.run(8);
  assert.equal(channel.rates.view("sms")?.parked, 0);
  near(channel.run(4), 100);
});

test("parked tasks of several pods add up", () => {
  const channel = new Channel();
  channel.queue(0, 3_000);
  channel.run(10);
  for (const worker of ["pod-2", "pod-3"]) channel.rates.addReport("sms", { worker, parked: 100, called: 0, failed: 0, busyMs: 0 });
  channel.run(2);
  assert.equal(channel.rates.view("sms")?.parked, 200);
});

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

test("a queue that cannot be read keeps its rate for RATE_LIFE_MS, and then the rate is unknown", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  const before = channel.run(20, 100);
  const since = channel.current();
  channel.lost();
  assert.ok(channel.rates.held("sms"));
  channel.clock.advance(RATE_LIFE_MS);
  channel.lost();
  assert.deepEqual(channel.current(), since);
  channel.clock.advance(1);
  assert.deepEqual(channel.current(), { kind: "unknown", why: "NATS did not answer (TimeoutError)" });
  // Readable again: pods must report first.
  channel.queue(0, 9_000);
  channel.pods({ parked: 8_980 });
  channel.clock.advance(2_000);
  channel.rates.addReading("sms", { kind: "read", state: channel.state });
  assert.equal(channel.current().kind, "unknown");
  assert.ok(channel.run(8) <= before);
  assert.equal(channel.rates.held("sms"), false);
});

test("after a short gap the rate stays until pods have reported again", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  const before = channel.run(20, 100);
  channel.clock.advance(10_000);
  channel.queue(0, 9_000);
  channel.rates.addReading("sms", { kind: "read", state: channel.state });
  near(channel.rate(), before);
});

test("the rate becomes unknown when sampling stops", () => {
  const channel = new Channel();
  channel.run(10);
  channel.clock.advance(RATE_LIFE_MS + 1);
  assert.deepEqual(channel.current(), { kind: "unknown", why: "the queue has not been read recently" });
});

test("a recreated stream looks like neither a burst nor a standstill", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  const before = channel.run(20, 100);
  channel.state = { ...channel.state, created: "two", lastSequence: 0 };
  near(channel.run(2), before);
  near(channel.run(20, 100), before);
});

test("a channel is active from its first task until ACTIVE_MS after its last", () => {
  const channel = new Channel();
  channel.run(10);
  assert.equal(channel.isActive(), false);
  channel.queue(1, 0);
  channel.run(2, 1);
  assert.equal(channel.isActive(), true);
  channel.queue(0, 0);
  channel.run(ACTIVE_MS / 1_000 - 2);
  assert.equal(channel.isActive(), true);
  channel.run(4);
  assert.equal(channel.isActive(), false);
});

test("a listener is called after each reading until it is disposed", () => {
  const channel = new Channel();
  const calls: string[] = [];
  const watching = channel.rates.watch((c) => calls.push(c));
  channel.run(10);
  watching[Symbol.dispose]();
  channel.run(10);
  assert.deepEqual(calls, Array(5).fill("sms"));
});

test("what relays find due in the outbox is backlog that the queue does not show, for as long as they report it", () => {
  const channel = new Channel();
  channel.queue(0, 0);
  const before = channel.run(20);
  assert.equal(channel.isActive(), false);
  channel.rates.addOutbox({ sms: 3_000, fcm: 1 });
  channel.queue(0, 0);
  const with3000 = channel.run(10);
  assert.equal(channel.rates.view("sms")?.backlog, 3_000);
  assert.ok(channel.isActive() && with3000 > before);
  channel.run(20);
  assert.equal(channel.rates.view("sms")?.backlog, 0);
});
