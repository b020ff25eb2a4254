import assert from "node:assert/strict";
import { test } from "node:test";
import { awaitRightTime, keepTime, listenToStore } from "../adapters/store/time-keeper.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { createSteadyClock, STEP_MS } from "./clock.ts";
import { createLogger } from "./logger.ts";
import { OperatorError } from "./operator-error.ts";

const START = 1_700_000_000_000;
const THREE_HOURS = 3 * 3_600_000;

/** A machine whose clock can be set; sleeping passes the time. */
function machine() {
  let [real, setting] = [0, 0];
  const steady = createSteadyClock(
    () => START + real + setting,
    () => real,
  );
  const sleep = async (ms: number) => {
    real += ms;
  };
  return {
    clock: { ...steady, sleep },
    pass: (ms: number) => {
      real += ms;
    },
    set: (ms: number) => {
      setting += ms;
    },
    real: () => START + real,
  };
}

for (const step of [THREE_HOURS, -THREE_HOURS, STEP_MS + 1]) {
  test(`a step of ${step} ms does not move it, and time goes on`, () => {
    const { clock, pass, set, real } = machine();
    set(step);
    assert.equal(clock.now(), real());
    pass(5_000);
    assert.deepEqual([clock.now(), clock.offBy()], [real(), step]);
    clock.adopt();
    assert.deepEqual([clock.now(), clock.offBy()], [real() + step, 0]);
  });
}

test("small corrections are followed, however many", () => {
  const { clock, pass, set, real } = machine();
  for (let i = 1; i <= 100; i++) {
    set(900);
    pass(10);
    assert.equal(clock.now(), real() + 900 * i);
  }
});

test("a step is followed as soon as the store's clock confirms it, and not before", async () => {
  const { clock, set, real } = machine();
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  let storeStep = 0;
  const stop = new AbortController();
  let asked = 0;
  const store = {
    time: async () => {
      asked++;
      if (asked === 3) storeStep = THREE_HOURS;
      if (asked === 4) stop.abort();
      return real() + storeStep;
    },
  };
  set(THREE_HOURS);
  const until = { ...clock, sleep: async (ms: number) => (asked === 3 ? stop.abort() : clock.sleep(ms)) };
  await keepTime(store, until, log, stop.signal);
  assert.equal(clock.now(), real() + THREE_HOURS);
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { level: string }).level),
    ["error", "warn"],
  );
});

test("a clock that drifts from the store's by corrections too small to be steps is logged once", async () => {
  const { clock, set, real } = machine();
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const stop = new AbortController();
  let slept = 0;
  const sleep = async (ms: number) => {
    await clock.sleep(ms);
    set(100);
    if (++slept === 200) stop.abort();
  };
  await keepTime({ time: async () => real() }, { ...clock, sleep }, log, stop.signal);
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { level: string }).level),
    ["error"],
  );
});

test("a process whose clock is far from the store's does not start", async () => {
  const { clock, real } = machine();
  const log = createLogger("test", "silent");
  await awaitRightTime({ time: async () => real() + 1_500 }, clock, log);
  await assert.rejects(awaitRightTime({ time: async () => real() + THREE_HOURS }, clock, log), OperatorError);
});

test("a start waits while the clocks differ by seconds, warns once, and goes on when they agree", async () => {
  const clock = Object.assign(createFakeClock(), { offBy: () => 0, adopt: () => undefined });
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const sleep = async (ms: number) => clock.advance(ms);
  const offs = [3_000, -3_000, 5_000, 500];
  await awaitRightTime({ time: async () => clock.now() + offs.shift()! }, { ...clock, sleep }, log);
  assert.deepEqual([offs.length, lines.length], [0, 1]);
  let asked = 0;
  const apart = {
    async time() {
      asked++;
      return clock.now() + 3_000;
    },
  };
  await assert.rejects(awaitRightTime(apart, { ...clock, sleep }, log), OperatorError);
  assert.ok(asked > 5, `asked ${asked} times`);
  const waits = { ...clock, sleep: () => assert.fail("waiting does not mend an hour") };
  await assert.rejects(awaitRightTime({ time: async () => clock.now() + 3_600_000 }, waits, log), OperatorError);
});

test("a store counts as silent from its last answer, whether it fails or does not answer", async () => {
  const clock = createFakeClock();
  const answers = [Promise.resolve(1), Promise.reject(new Error("away")), new Promise<number>(() => undefined), Promise.resolve(2)];
  const store = listenToStore({ time: () => answers.shift()! }, clock);
  const silences: number[] = [];
  for (const settles of [true, true, false, true]) {
    clock.advance(1_000);
    const asked = store.time().catch(() => undefined);
    if (settles) await asked;
    silences.push(store.silentMs());
  }
  assert.deepEqual(silences, [0, 1_000, 2_000, 0]);
});
