import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CHANNELS } from "../delivery/channel.ts";
import {
  type ChannelScaling,
  OVERDUE_FACTOR_MAX,
  type QueueSample,
  replicasFor,
  replicasMax,
  requiredRate,
  SCALING_DEFAULTS,
} from "./scaling.ts";

const scaling: ChannelScaling = {
  ...{ targetRatePerPod: 100, drainMs: 30_000, maxAgeMs: 30_000, serviceMs: 500 },
  ...{ minReplicas: 2, maxReplicas: 20, inFlight: 100 },
};
const idle: QueueSample = { backlog: 0, parked: 0, arrivalsPerSecond: 0, oldestMs: 0 };

const RATES: readonly [what: string, sample: Partial<QueueSample>, more: Partial<ChannelScaling>, rate: number, pods: number][] = [
  ["an empty queue needs nothing, and the least pods stay", {}, {}, 0, 2],
  ["a steady queue needs its arrivals and a tenth", { arrivalsPerSecond: 500, backlog: 250 }, {}, 550, 6],
  ["tasks being handled are no backlog", { arrivalsPerSecond: 500, backlog: 200 }, {}, 550, 6],
  ["a backlog is worked off within the drain time", { arrivalsPerSecond: 500, backlog: 30_250 }, {}, 1_550, 16],
  ["a backlog alone too", { backlog: 3_000 }, {}, 100, 2],
  ["an age at the bound changes nothing", { backlog: 9_000, oldestMs: 30_000 }, {}, 300, 3],
  ["twice the age asks for twice the rate", { backlog: 9_000, oldestMs: 60_000 }, {}, 600, 6],
  [
    "what a dead pod took along, until its ack_wait has passed, is old but little",
    { arrivalsPerSecond: 500, backlog: 340, oldestMs: 60_000 },
    {},
    556,
    6,
  ],
  ["never more than four times", { backlog: 9_000, oldestMs: 3_600_000 }, {}, 1_200, 12],
  ["never more than the provider admits", { backlog: 90_000 }, { rateLimitPerSecond: 250 }, 250, 3],
  ["not faster when overdue either", { backlog: 6_000, oldestMs: 120_000 }, { rateLimitPerSecond: 250 }, 250, 3],
  ["never more pods than there may be", { backlog: 900_000 }, {}, 30_000, 20],
  ["what is parked needs one pod to come back to", { parked: 100_000 }, { minReplicas: 0 }, 1 / 30, 1],
  ["what is parked adds nothing to what is not", { parked: 100_000, arrivalsPerSecond: 500, backlog: 250 }, {}, 550, 6],
  ["nothing at all needs no pod where none is the least", {}, { minReplicas: 0 }, 0, 0],
];

for (const [what, sample, more, rate, pods] of RATES)
  test(what, () => {
    const given = { ...scaling, ...more };
    const required = requiredRate({ ...idle, ...sample }, given);
    assert.ok(Math.abs(required - rate) < 1e-9, `${required} instead of ${rate}`);
    assert.equal(replicasFor(required, given), pods);
  });

test("the pods for a rate limit include a spare one, and are never below the minimum", () => {
  assert.equal(replicasMax({ ...scaling, rateLimitPerSecond: 250 }), 4);
  assert.equal(replicasMax({ ...scaling, rateLimitPerSecond: 1, minReplicas: 5 }), 5);
  assert.equal(replicasMax({ ...scaling, rateLimitPerSecond: 100_000 }), 20);
});

test("the defaults cover ten times the average of every channel", () => {
  const peaks = { apns: 521, fcm: 579, webpush: 58, sms: 116, email: 579 };
  for (const channel of CHANNELS) {
    const of = SCALING_DEFAULTS[channel];
    const [peak, underWay] = [peaks[channel], (peaks[channel] * of.serviceMs) / 1_000];
    const pods = replicasFor(requiredRate({ ...idle, arrivalsPerSecond: peak, backlog: underWay }, of), of);
    assert.ok(pods * of.targetRatePerPod >= peak && pods < of.maxReplicas, `${channel}: ${pods} of ${of.maxReplicas}`);
    assert.ok(of.minReplicas <= of.maxReplicas && of.maxAgeMs >= of.drainMs, channel);
  }
});

const count = fc.integer({ min: 0, max: 10_000_000 });
const positive = fc.integer({ min: 1, max: 1_000_000 });
const samples: fc.Arbitrary<QueueSample> = fc.record({ backlog: count, parked: count, arrivalsPerSecond: count, oldestMs: count });
const scalings: fc.Arbitrary<ChannelScaling> = fc
  .record({
    ...{ targetRatePerPod: positive, drainMs: positive, maxAgeMs: positive, serviceMs: positive, rateLimitPerSecond: positive },
    ...{ minReplicas: fc.integer({ min: 0, max: 50 }), more: fc.integer({ min: 0, max: 500 }), limited: fc.boolean(), inFlight: positive },
  })
  .map(({ more, limited, rateLimitPerSecond, ...rest }) => ({
    ...rest,
    maxReplicas: Math.max(1, rest.minReplicas + more),
    ...(limited ? { rateLimitPerSecond } : {}),
  }));

test("a rate is a number from 0 to the provider's limit", () => {
  fc.assert(
    fc.property(samples, scalings, (sample, of) => {
      const rate = requiredRate(sample, of);
      assert.ok(Number.isFinite(rate) && rate >= 0 && rate <= (of.rateLimitPerSecond ?? Number.MAX_VALUE));
    }),
  );
});

test("more work never needs a lower rate", () => {
  fc.assert(
    fc.property(samples, scalings, count, (sample, of, more) => {
      const before = requiredRate(sample, of);
      assert.ok(requiredRate({ ...sample, backlog: sample.backlog + more }, of) >= before);
      assert.ok(requiredRate({ ...sample, oldestMs: sample.oldestMs + more }, of) >= before);
    }),
  );
});

test("age raises the rate by OVERDUE_FACTOR_MAX at most", () => {
  fc.assert(
    fc.property(samples, scalings, (sample, of) => {
      const calm = requiredRate({ ...sample, oldestMs: 0 }, of);
      assert.ok(requiredRate(sample, of) <= OVERDUE_FACTOR_MAX * calm + 1e-6);
    }),
  );
});

test("parked tasks need no more than one task within the drain time", () => {
  fc.assert(
    fc.property(samples, scalings, (sample, of) => {
      const without = requiredRate({ ...sample, parked: 0 }, of);
      assert.ok(requiredRate(sample, of) <= Math.max(without, 1_000 / of.drainMs) * (1 + 1e-9));
    }),
  );
});

test("pods are a whole number within their bounds, and enough for the rate where the bounds allow it", () => {
  fc.assert(
    fc.property(samples, scalings, (sample, of) => {
      const rate = requiredRate(sample, of);
      const pods = replicasFor(rate, of);
      assert.ok(Number.isInteger(pods) && pods >= of.minReplicas && pods <= of.maxReplicas);
      assert.ok(pods * of.targetRatePerPod >= rate - 1e-6 || pods === replicasMax(of));
      if (of.rateLimitPerSecond !== undefined)
        assert.ok(pods <= Math.max(of.minReplicas, Math.ceil(of.rateLimitPerSecond / of.targetRatePerPod) + 1));
    }),
  );
});
