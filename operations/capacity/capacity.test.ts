import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { ARRIVAL_MARGIN, SCALING_DEFAULTS } from "../../core/scaling/scaling.ts";
import { type Demand, type Plan, POD_CORES, planCapacity, sustainedPerPod, targetRate } from "./capacity.ts";
import { TASK_COSTS } from "./measured-costs.ts";

const demand: Demand = {
  perDay: { apns: 4.5e6, fcm: 5e6, webpush: 0.5e6, sms: 1e6, email: 5e6 },
  peakFactor: 10,
  rateLimits: {},
  contentBytes: { push: 200, sms: 160, email: 20_000 },
  ...{ metadataDays: 400, contentDays: 30, outageHours: 1, optOuts: 1e6 },
};
const of = (plan: Plan, channel: string) => plan.channels.find((c) => c.channel === channel)!;

test("the average rate is the day's total per second, and the peak a multiple of it", () => {
  const sms = of(planCapacity(demand), "sms");
  assert.deepEqual([sms.averagePerSecond.toFixed(2), sms.peakPerSecond.toFixed(1)], ["11.57", "115.7"]);
});

test("the pods at the peak handle the peak, and one pod less would not with the margin of scaling", () => {
  for (const c of planCapacity(demand).channels) {
    assert.ok(c.podsPeak * c.targetRatePerPod >= ARRIVAL_MARGIN * c.peakPerSecond, c.channel);
    assert.ok((c.podsPeak - 1) * c.targetRatePerPod < ARRIVAL_MARGIN * c.peakPerSecond, c.channel);
    assert.ok(c.minReplicas <= c.podsPeak || c.minReplicas === SCALING_DEFAULTS[c.channel].minReplicas);
    assert.ok(c.podsPeak < c.maxReplicas && c.minReplicas < c.maxReplicas, c.channel);
  }
});

test("a pod's rate is limited by its CPU, or by its tasks in flight", () => {
  const bySize = sustainedPerPod("sms", { inFlight: 10, serviceMs: 500 });
  assert.equal(bySize, 20);
  assert.equal(sustainedPerPod("sms", { inFlight: 10_000, serviceMs: 500 }), (POD_CORES * 1_000) / TASK_COSTS.sms.dispatcherMs);
});

test("the autoscaler's default targets follow from the measured costs", () => {
  for (const channel of CHANNELS) {
    const defaults = SCALING_DEFAULTS[channel];
    assert.equal(defaults.targetRatePerPod, targetRate(sustainedPerPod(channel, defaults)), `${channel}: node bench/measured-costs.ts`);
  }
});

test("a provider's limit lowers the pods to one more than needed, and a warning names what waits", () => {
  const plan = planCapacity({ ...demand, rateLimits: { sms: 100 } });
  const sms = of(plan, "sms");
  assert.equal(sms.sentPerSecond, 100);
  assert.ok(sms.maxReplicas <= Math.max(sms.minReplicas, Math.ceil(100 / sms.targetRatePerPod) + 1));
  assert.match(plan.warnings.join("\n"), /sms: the peak of 116\/s exceeds the limit of 100\/s: .* 11 min of average load/);
  assert.match(
    planCapacity({ ...demand, rateLimits: { sms: 10 } }).warnings.join("\n"),
    /sms: the average of 12\/s exceeds the limit of 10\/s: the queue grows without end/,
  );
  assert.deepEqual(planCapacity({ ...demand, rateLimits: { sms: 500 } }).warnings, []);
});

test("max_ack_pending covers every pod twice, and is never below the server's default", () => {
  for (const c of planCapacity(demand).channels) assert.ok(c.ackPendingMax >= Math.max(1_000, 2 * c.maxReplicas * c.inFlight), c.channel);
});

test("a channel without notifications has no pods, and causes no division by zero", () => {
  const plan = planCapacity({ ...demand, perDay: { apns: 0, fcm: 0, webpush: 0, sms: 0, email: 86_400 }, peakFactor: 1 });
  assert.deepEqual(
    plan.channels.map((c) => c.channel),
    ["email"],
  );
  assert.equal(of(plan, "email").averagePerSecond, 1);
});

test("a stream holds the tasks of the outage, and storage grows with retention", () => {
  const plan = planCapacity(demand);
  for (const c of plan.channels) assert.ok(c.outageBytes <= plan.nats.streamBytesMax, c.channel);
  const retained = (metadataDays: number, contentDays: number) => planCapacity({ ...demand, metadataDays, contentDays }).store;
  assert.equal(retained(60, 60).bytesRetained, 60 * plan.store.bytesPerDay);
  // Of 16 million a day, 5 million mails of 20 kB, 10 million pushes of 200 B and a million texts of 160 B.
  const contentPerDay = 5e6 * 20_000 + 10e6 * 200 + 1e6 * 160;
  assert.equal(retained(60, 60).bytesRetained - retained(60, 30).bytesRetained, 30 * contentPerDay);
  assert.equal(retained(60, 90).bytesRetained, retained(60, 60).bytesRetained, "no content outlives its notification");
  assert.equal(retained(60, 30).bytesPerDay, plan.store.bytesPerDay);
});

test("NATS has room for every stream that provision makes, also where only one channel has notifications", () => {
  const onlyMail = planCapacity({ ...demand, perDay: { apns: 0, fcm: 0, webpush: 0, sms: 0, email: 1_000_000 } });
  // ensureStreams() makes one for each of CHANNELS; provision.test.ts counts them.
  assert.equal(onlyMail.nats.streams, CHANNELS.length);
  assert.ok(onlyMail.nats.diskGib * 1_024 ** 3 > CHANNELS.length * onlyMail.nats.streamBytesMax);
});

test("more demand never needs less capacity", () => {
  const perDay = fc.record(Object.fromEntries(CHANNELS.map((c) => [c, fc.integer({ min: 1, max: 1e9 })])) as never);
  fc.assert(
    fc.property(perDay, fc.double({ min: 1, max: 100, noNaN: true }), (day, peakFactor) => {
      const less = planCapacity({ ...demand, perDay: day as Demand["perDay"], peakFactor });
      const more = planCapacity({ ...demand, perDay: day as Demand["perDay"], peakFactor: 2 * peakFactor });
      for (const [i, c] of less.channels.entries()) {
        const other = more.channels[i]!;
        assert.ok(c.podsPeak <= other.podsPeak && c.maxReplicas <= other.maxReplicas && c.outageBytes <= other.outageBytes);
      }
      for (const [i, s] of less.services.entries()) assert.ok(s.podsPeak <= more.services[i]!.podsPeak);
      assert.ok(less.store.writesPeak <= more.store.writesPeak && less.store.memoryGib <= more.store.memoryGib);
      assert.ok(less.nats.streamBytesMax <= more.nats.streamBytesMax && less.redis.memoryMib <= more.redis.memoryMib);
    }),
  );
});
