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

  /** @param arriving per second; all of it is handled unless `state` is told otherwise */
  run(seconds: number, arriving = 0): number {
    for (let s = 0; s < seconds; s += 2) {
      this.clock.advance(2_000);
      this.state = { ...this.state, lastSequence: this.state.lastSequence + 2 * arriving };
      if (this.report) this.rates.heard("sms", this.report);
      this.rates.read("sms", { kind: "read", state: this.state });
    }
    return this.rate();
  }
  /** In the queue: waiting, handed out, and how old the oldest is. */
  queue(waiting: number, handedOut: number, oldestMs = 100): void {
    this.state = { ...this.state, waiting, handedOut, messages: waiting + handedOut, oldestMs };
  }
  pods(report: Partial<Report>): void {
    this.report = { worker: "pod-1", parked: 0, called: 0, failed: 0, busyMs: 0, ...report };
  }
  lost(): void {
    this.rates.read("sms", { kind: "unreadable", why: "NATS did not answer (TimeoutError)" });
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

test("nothing is known before the pods' reports have been listened to", () => {
  const channel = new Channel();
  assert.deepEqual(channel.current(), { kind: "unknown", why: "the queue was not read yet" });
  channel.queue(0, 5_000);
  channel.pods({ parked: 5_000 });
  for (let waited = 0; waited < LISTEN_MS; waited += 2_000) {
    assert.equal(channel.current().kind, "unknown");
    channel.clock.advance(2_000);
    channel.rates.read("sms", { kind: "read", state: channel.state });
  }
  assert.equal(channel.current().kind, "unknown");
});

test("a steady queue needs its arrivals and a tenth", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  channel.pods({ called: 200 });
  near(channel.run(20, 100), 110);
  assert.equal(channel.rates.held("sms"), false);
  const { at, ...view } = channel.rates.view("sms")!;
  assert.equal(at, channel.clock.now());
  assert.deepEqual(view, { backlog: 20, parked: 0, arrivalsPerSecond: 100, oldestMs: 100, ackPendingRatio: 0, bytesRatio: 0 });
});

test("a burst is worked off within the drain time, and faster when it is overdue", () => {
  const channel = new Channel();
  channel.run(10);
  channel.queue(3_000, 0, 1_000);
  near(channel.run(6), 100);
  channel.queue(3_000, 0, 60_000);
  near(channel.run(6), 200);
});

test("a rate is known however seldom the queue may be read, and never where that is taken for a loss", () => {
  const { AUTOSCALER_SAMPLE_MS } = autoscalerVariables;
  const seldom = 5_000;
  assert.equal(AUTOSCALER_SAMPLE_MS.parse(String(seldom)), seldom);
  assert.throws(() => AUTOSCALER_SAMPLE_MS.parse(String(seldom + 1)));
  const channel = new Channel();
  for (let i = 0; i < 10; i++) {
    channel.clock.advance(seldom);
    channel.rates.read("sms", { kind: "read", state: channel.state });
  }
  assert.equal(channel.rate(), 0);
});

test("parked tasks are no backlog, however many and however old, and keep a pod", () => {
  const channel = new Channel();
  channel.queue(0, 5_000, 3_600_000);
  channel.pods({ parked: 4_999 });
  channel.state = { ...channel.state, oldestWaitingMs: 0 };
  const rate = channel.run(20);
  assert.equal(replicasFor(rate, sms), 1);
  assert.ok(channel.isActive());
  assert.equal(channel.rates.view("sms")?.parked, 4_999);
});

test("beside parked tasks, the oldest that was never handed out tells the age", () => {
  const channel = new Channel();
  channel.queue(3_000, 5_000, 3_600_000);
  channel.pods({ parked: 5_000 });
  channel.state = { ...channel.state, oldestWaitingMs: 1_000 };
  near(channel.run(20), 100);
  channel.state = { ...channel.state, oldestWaitingMs: 90_000 };
  near(channel.run(6), 300);
});

test("more parked than there is, by reports older than the reading, is no negative backlog", () => {
  const channel = new Channel();
  channel.queue(0, 10);
  channel.pods({ parked: 5_000 });
  channel.run(10);
  assert.equal(channel.rates.view("sms")?.backlog, 0);
});

test("a pod that reports no more has nothing parked", () => {
  const channel = new Channel();
  channel.queue(0, 3_000, 0);
  channel.pods({ parked: 3_000 });
  channel.run(10);
  channel.report = undefined;
  channel.run(8);
  assert.equal(channel.rates.view("sms")?.parked, 0);
  near(channel.run(4), 100);
});

test("what several pods have parked is added up", () => {
  const channel = new Channel();
  channel.queue(0, 3_000);
  channel.run(10);
  for (const worker of ["pod-2", "pod-3"]) channel.rates.heard("sms", { worker, parked: 100, called: 0, failed: 0, busyMs: 0 });
  channel.run(2);
  assert.equal(channel.rates.view("sms")?.parked, 200);
});

test("an outage of the provider adds no pod, though tasks come back again and again", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  channel.pods({ called: 200 });
  const before = channel.run(60, 100);
  // Each delivery is tried again and again, and its tasks wait for the deadline of a hanging provider.
  channel.pods({ called: 400, failed: 390 });
  channel.queue(2_000, 1_000, 90_000);
  const pods = replicasFor(before, { ...sms, maxReplicas: 1_000 });
  for (let s = 0; s < 600; s += 2) assert.equal(replicasFor(channel.run(2, 300), { ...sms, maxReplicas: 1_000 }), pods, `after ${s} s`);
  near(channel.rate(), before);
  assert.ok(channel.rates.held("sms"));
  // It is well again, and what was kept is sent.
  channel.pods({ called: 400, failed: 4 });
  channel.queue(20_000, 1_000, 90_000);
  assert.ok(channel.run(20, 300) > 5 * before);
  assert.equal(channel.rates.held("sms"), false);
});

test("an outage in which every circuit is open, so that nobody calls, adds no pod either", () => {
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

test("an autoscaler that begins in an outage asks for no more than the one before it, whatever has gathered", () => {
  const channel = new Channel();
  channel.pods({ called: 200, failed: 200, parked: 3_000 });
  channel.queue(360_000, 3_400, 3_600_000);
  near(channel.run(60, 100), 110);
  assert.ok(channel.rates.held("sms"));
});

test("an outage lets the rate fall with what is wanted", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  channel.pods({ called: 200 });
  const before = channel.run(60, 100);
  channel.pods({ called: 200, failed: 200 });
  channel.queue(0, 1, 3_600_000);
  // What is old then is the provider's doing: no hurry.
  assert.ok(channel.run(120, 10) < before / 5);
});

test("the provider's limit holds in an outage", () => {
  const limited = { ...SCALING_DEFAULTS, sms: { ...sms, rateLimitPerSecond: 50 } };
  const clock = createFakeClock();
  const rates = createRates(CHANNELS, limited, clock);
  const state: QueueState = { ...new Channel().state, waiting: 90_000, messages: 90_000 };
  for (let s = 0; s < 20; s += 2) {
    clock.advance(2_000);
    rates.heard("sms", { worker: "w", parked: 0, called: 10, failed: s > 10 ? 10 : 0, busyMs: 0 });
    rates.read("sms", { kind: "read", state });
  }
  assert.deepEqual(rates.current("sms"), { kind: "known", perSecond: 50, active: true, at: clock.now() });
});

test("a queue that cannot be read keeps its rate for a while, and then nobody knows", () => {
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
  // Back again: the pods' reports are heard first.
  channel.queue(0, 9_000);
  channel.pods({ parked: 8_980 });
  channel.clock.advance(2_000);
  channel.rates.read("sms", { kind: "read", state: channel.state });
  assert.equal(channel.current().kind, "unknown");
  assert.ok(channel.run(8) <= before);
  assert.equal(channel.rates.held("sms"), false);
});

test("after a short loss the rate of before is kept until reports have been heard again", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  const before = channel.run(20, 100);
  channel.clock.advance(10_000);
  channel.queue(0, 9_000);
  channel.rates.read("sms", { kind: "read", state: channel.state });
  near(channel.rate(), before);
});

test("a loop that stands still makes the rate unknown too", () => {
  const channel = new Channel();
  channel.run(10);
  channel.clock.advance(RATE_LIFE_MS + 1);
  assert.deepEqual(channel.current(), { kind: "unknown", why: "the queue was not read lately" });
});

test("a stream that was made anew does not look like a burst or a standstill", () => {
  const channel = new Channel();
  channel.queue(0, 20);
  const before = channel.run(20, 100);
  channel.state = { ...channel.state, created: "two", lastSequence: 0 };
  near(channel.run(2), before);
  near(channel.run(20, 100), before);
});

test("a channel is active from its first task until a while after its last", () => {
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

test("who watches is told after each reading, until it looks away", () => {
  const channel = new Channel();
  const told: string[] = [];
  const watching = channel.rates.watch((c) => told.push(c));
  channel.run(10);
  watching[Symbol.dispose]();
  channel.run(10);
  assert.deepEqual(told, Array(5).fill("sms"));
});
