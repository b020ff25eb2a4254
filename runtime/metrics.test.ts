import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "./metrics.ts";

test("what is declared is printed with its help, its labels and the service", async () => {
  const metrics = createMetrics("dispatcher-apns");
  metrics.counter("carillon_attempts_total", "Attempts by outcome", ["outcome"]).inc({ outcome: "accepted" });
  let waiting = 7;
  metrics.gauge("carillon_waiting_count", "Items waiting", [], () => waiting);
  metrics.histogram("carillon_attempt_seconds", "From claim to answer", [], [0.1, 1]).observe(0.5);
  const printed = await metrics.registry.metrics();
  assert.match(printed, /^# HELP carillon_attempts_total Attempts by outcome$/m);
  assert.match(printed, /^carillon_attempts_total\{outcome="accepted",service="dispatcher-apns"\} 1$/m);
  assert.match(printed, /^carillon_waiting_count\{service="dispatcher-apns"\} 7$/m);
  assert.match(printed, /^carillon_attempt_seconds_bucket\{le="1",service="dispatcher-apns"\} 1$/m);
  assert.ok(!printed.includes("nodejs_"));
  waiting = 8;
  assert.match(await metrics.registry.metrics(), /^carillon_waiting_count\{.*\} 8$/m);
});

test("roles in one process do not share metrics", async () => {
  const [one, other] = [createMetrics("relay"), createMetrics("gateway")];
  one.counter("carillon_published_total", "Published").inc();
  other.counter("carillon_published_total", "Published");
  assert.match(await other.registry.metrics(), /^carillon_published_total\{service="gateway"\} 0$/m);
});

test("the process's own figures are there when asked for", async () => {
  const { registry } = createMetrics("relay", { defaults: true });
  assert.match(await registry.metrics(), /^process_resident_memory_bytes\{service="relay"\} \d+$/m);
  registry.clear();
});

test("a name without its unit, and a metric without help, are rejected when declared", () => {
  const metrics = createMetrics("relay");
  assert.throws(() => metrics.counter("carillon_published", "Published"), /the name must match/);
  assert.throws(() => metrics.counter("published_total", "Published"), /the name must match/);
  assert.throws(() => metrics.histogram("carillon_took_ms", "Took"), /the name must match/);
  assert.throws(() => metrics.gauge("carillon_waiting", "Waiting"), /the name must match/);
  assert.throws(() => metrics.counter("carillon_published_total", " "), /without help/);
});
