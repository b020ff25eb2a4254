import assert from "node:assert/strict";
import { test } from "node:test";
import type { Channel } from "../../core/delivery/channel.ts";
import type { RequiredRate, RequiredRates } from "../required.ts";
import { quantity, requiredPerSecond } from "./metric.ts";

const at = Date.UTC(2026, 0, 5, 12, 0, 1, 999);
const known = (perSecond: number, active = true): RequiredRate => ({ kind: "known", perSecond, active, at });
const ratesOf = (rates: Partial<Record<Channel, RequiredRate>>): RequiredRates => ({
  channels: Object.keys(rates) as Channel[],
  current: (channel) => rates[channel]!,
});
const served = { rates: ratesOf({ sms: known(950), email: known(0.25), apns: known(0, false) }), release: "carillon" };

test("one channel is one item: a quantity in thousandths, and when it was computed", () => {
  assert.deepEqual(requiredPerSecond(served, "channel=sms,release=carillon"), {
    code: 200,
    body: {
      kind: "ExternalMetricValueList",
      apiVersion: "external.metrics.k8s.io/v1beta1",
      metadata: {},
      items: [
        {
          metricName: "carillon_required_per_second",
          metricLabels: { channel: "sms", release: "carillon" },
          timestamp: "2026-01-05T12:00:01Z",
          value: "950000m",
        },
      ],
    },
  });
});

const itemsOf = (selector: string, of = served) => {
  const { code, body } = requiredPerSecond(of, selector);
  assert.equal(code, 200);
  return (body as { items: { metricLabels: { channel: string }; value: string }[] }).items.map((i) => [i.metricLabels.channel, i.value]);
};

test("each channel is an item, and the HPA adds them up", () => {
  assert.deepEqual(itemsOf("channel in (sms,email)"), [
    ["sms", "950000m"],
    ["email", "250m"],
  ]);
  assert.deepEqual(itemsOf("channel!=sms"), [
    ["email", "250m"],
    ["apns", "0m"],
  ]);
  assert.equal(itemsOf("").length, 3);
});

test("another release gets no items, which an HPA takes for unreadable", () => {
  assert.deepEqual(itemsOf("channel=sms,release=other"), []);
});

test("one unknown rate of several makes the answer a failure, because a smaller sum would scale in", () => {
  const rates = ratesOf({ sms: known(950), email: { kind: "unknown", why: "the queue has not been read recently" } });
  const { code, body } = requiredPerSecond({ rates, release: "carillon" }, "channel in (sms,email)");
  assert.equal(code, 503);
  assert.deepEqual(body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "the required rate of email is not known: the queue has not been read recently",
    reason: "ServiceUnavailable",
    code: 503,
  });
  assert.deepEqual(itemsOf("channel=sms", { rates, release: "carillon" }), [["sms", "950000m"]]);
});

const QUANTITIES: readonly [perSecond: number, active: boolean, quantity: string][] = [
  [0, false, "0m"],
  // An HPA with minReplicas 0 goes to zero on 0 alone.
  [0, true, "1m"],
  [0.000_01, false, "1m"],
  [0.9501, true, "951m"],
  [1_500, true, "1500000m"],
  [1e300, true, "1000000000000000m"],
  [Number.POSITIVE_INFINITY, true, "1000000000000000m"],
];
for (const [perSecond, active, expected] of QUANTITIES)
  test(`${perSecond} per second, ${active ? "active" : "idle"}, is ${expected}`, () => {
    assert.equal(quantity(perSecond, active), expected);
  });
