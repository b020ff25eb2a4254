import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CHANNELS } from "../core/delivery/channel.ts";
import { CALL_COSTS, TASK_COSTS } from "../operations/capacity/measured-costs.ts";
import {
  type ChannelRow,
  type Costs,
  costsOf,
  exampleArguments,
  type PodRateRun,
  type TargetRates,
  withChartTargets,
  withCosts,
  withDefaultTargets,
  withExample,
  withRun,
} from "./cost-sources.ts";
import { summaryOf } from "./summary.ts";

const source = (path: string) => readFileSync(join(import.meta.dirname, "..", path), "utf8");
const current: Costs = { tasks: TASK_COSTS, calls: CALL_COSTS };
const only = (value: number) => summaryOf([value]);
const row = (channel: ChannelRow["channel"], cpuMs: number): ChannelRow => ({
  ...{ channel, answerMs: 50, perSecond: only(100), cpuMsPerTask: only(cpuMs), podPerSecond: 500 / cpuMs },
  ...{ preferencesCpuMs: only(0.1), feedbackCpuMs: only(0.7), serviceMs: 60 },
  ...{ storedBytesPerTask: 364, contentBytes: 61, peakMiB: 300 },
});
const run = (over: Partial<PodRateRun>): PodRateRun => ({
  ...{ date: "2026-12-02T10:00", commit: "abc1234", store: "sqlite", tasks: 100, slice: 10, rows: [], costs: [], documents: [] },
  machine: { cpu: "A CPU", cores: 2, memoryGiB: 8, linux: "6.1" },
  versions: { node: "24.1.0", nats: "2.15.1", redis: "9.1.2" },
  ...over,
});
const targets = Object.fromEntries(CHANNELS.map((channel, i) => [channel, 1_001 + i])) as TargetRates;

test("the costliest run counts, and what was not measured stays", () => {
  const costs = costsOf([run({ rows: [row("apns", 0.444), row("sms", 1)] }), run({ rows: [row("apns", 0.4)] })], current);
  assert.deepEqual([costs.tasks.apns.dispatcherMs, costs.tasks.apns.streamBytes, costs.tasks.apns.feedbackMs], [0.44, 300, 0]);
  assert.deepEqual([costs.tasks.sms.dispatcherMs, costs.tasks.sms.feedbackMs], [1, 0.7]);
  assert.equal(costs.tasks.apns.notificationBytes, TASK_COSTS.apns.notificationBytes);
  assert.deepEqual(costs.tasks.email, TASK_COSTS.email);
  assert.deepEqual(costs.calls, CALL_COSTS);
});

test("a document counts without its content, and a call by its median over channels", () => {
  const documents = [{ what: "notification, fcm", bytes: 1_000, contentBytes: 137, n: 200 }];
  const cost = (what: string, ms: number) => ({ what, perSecond: only(1), cpuMs: only(ms) });
  const costs = [cost("gateway, Send, fcm", 0.5), cost("gateway, Send, sms", 0.7), cost("gateway, SendBatch, fcm", 0.2)];
  const { tasks, calls } = costsOf([run({ documents, costs })], current);
  assert.equal(tasks.fcm.notificationBytes, 860);
  assert.deepEqual([calls.gatewaySendMs, calls.gatewayBatchMs, calls.relayMs], [0.6, 0.2, CALL_COSTS.relayMs]);
});

test("runs of another revision are forgotten, and three of one are kept", () => {
  const other = run({ commit: "0000000" });
  const kept = [1, 2, 3, 4].reduce<PodRateRun[]>(
    (runs, tasks) => withRun(runs, run({ tasks, commit: tasks > 1 ? "abc1234+" : "abc1234" })),
    [other],
  );
  assert.deepEqual(
    kept.map(({ tasks }) => tasks),
    [2, 3, 4],
  );
});

test("the same costs and targets leave every source as it is", () => {
  const costs = source("operations/capacity/measured-costs.ts");
  assert.equal(withCosts(costs, current, []), costs);
  const page = source("docs/capacity.md");
  assert.deepEqual(exampleArguments(page).slice(0, 3), ["capacity", "--push", "10M"]);
  assert.equal(withExample(page, /```text\n\$ [^\n]*\n(.*?)```/s.exec(page)?.[1] ?? ""), page);
});

test("new costs and targets replace every channel's, and nothing else", () => {
  const costs = source("operations/capacity/measured-costs.ts");
  const tasks = { ...TASK_COSTS, email: { ...TASK_COSTS.email, dispatcherMs: 9.99, notificationBytes: 12_345 } };
  const written = withCosts(costs, { ...current, tasks }, [run({})]);
  assert.match(written, /^ {2}email: \{ dispatcherMs: 9\.99, .*notificationBytes: 12_345, /m);
  assert.match(
    written,
    / \* Medians of bench\/per-pod-rate\.ts with sqlite as the store, 2026-12-02, commit abc1234, A CPU, 2 cores\.\n \* The costliest of one run\./,
  );
  assert.equal(written.match(/CLAIM_BYTES/g)?.length, 1);
  for (const [path, change] of [
    ["core/scaling/scaling.ts", withDefaultTargets],
    ["deploy/helm/carillon/values.yaml", withChartTargets],
  ] as const) {
    const before = source(path);
    const after = change(before, targets);
    const changed = after.split("\n").filter((line, i) => line !== before.split("\n")[i]);
    assert.deepEqual(
      changed.map((line) => /targetRatePerPod: (\d+)/.exec(line)?.[1]),
      Object.values(targets).map(String),
      path,
    );
  }
});
