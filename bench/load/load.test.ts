import assert from "node:assert/strict";
import { test } from "node:test";
import { createArrivals, readArrivals } from "./arrivals.ts";
import { OUTCOME } from "./outcomes.ts";
import { endedPerSecond, isAccepted, latenciesMs, readRun } from "./paced-run.ts";
import { pack } from "./packed.ts";
import { createSchedule } from "./schedule.ts";

test("calls are due at fixed times, and cancelled ones are spread evenly", () => {
  const schedule = createSchedule(2_000, 10, 0.2);
  assert.deepEqual([schedule.dueUs(0), schedule.dueUs(3)], [0, 1_500]);
  assert.deepEqual([-1, 0, 499, 500, 1_000_000].map(schedule.dueBy), [0, 1, 1, 2, 10]);
  assert.deepEqual(
    Array.from({ length: 10 }, (_, i) => i).filter((i) => schedule.isCancelled(i)),
    [4, 9],
  );
});

test("arrivals are counted by the tag in a push, and others are ignored", () => {
  const arrivals = createArrivals({ first: 1_700_000_000_000_000, count: 3 });
  const push = (order: string) => Buffer.from(`{"aps":{"alert":{"title":"t"}},"order":"${order}","carillon":{}}`);
  for (const order of ["1700000000000001", "1700000000000001", "1700000000000003", "1017"]) arrivals.add(push(order));
  arrivals.add(Buffer.from("{}"));
  const { times, atUs } = readArrivals(arrivals.report());
  assert.deepEqual([...times], [0, 2, 0]);
  assert.deepEqual(
    [...atUs].map((us) => us > 0),
    [false, true, false],
  );
});

test("latencies count from the due time, and ends are counted by second", () => {
  const order = { ...{ address: "", key: "", first: 0, connections: 1, deadlineMs: 5_000 }, perSecond: 2, calls: 4 };
  const run = readRun(order, {
    startUs: 7_000_000,
    outcomes: pack(Uint8Array.of(OUTCOME.accepted, OUTCOME.status, OUTCOME.accepted, OUTCOME.accepted)),
    endedUs: pack(Uint32Array.of(10_000, 600_000, 1_020_000, 3_500_000)),
    statuses: [{ code: 8, reason: "OVERLOADED", hasRetryInfo: true, message: "" }],
    resets: {},
    ...{ connectionsLost: 0, connectionsSentAway: 0, connectsFailed: 0, ownDelayMs: { mean: 0, max: 0 } },
  });
  assert.deepEqual([...latenciesMs(run, isAccepted)], [10, 20, 2_000]);
  assert.deepEqual(endedPerSecond(run, isAccepted), [1, 1, 0, 1]);
});
