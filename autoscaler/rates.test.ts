import assert from "node:assert/strict";
import { test } from "node:test";
import { replicasFor } from "../core/scaling/scaling.ts";
import { Channel, near, sms } from "../test/support/channel-rates.ts";
import { autoscalerVariables } from "./config.ts";
import { ACTIVE_MS, LISTEN_MS, RATE_LIFE_MS } from "./rates.ts";

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
