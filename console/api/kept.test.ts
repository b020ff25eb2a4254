import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../core/ports/clock.ts";
import { keep, shared } from "./kept.ts";

/** A clock that stands until it is put on; whoever sleeps wakes when it is. */
function createClock() {
  let now = 0;
  const sleepers: { at: number; wake(): void }[] = [];
  const clock: Pick<Clock, "monotonic" | "sleep"> = {
    monotonic: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + ms, wake })),
  };
  const advance = (ms: number) => {
    now += ms;
    for (const { at, wake } of sleepers) if (at <= now) wake();
  };
  return { clock, advance };
}

/** Readings that end when the test says so. */
function createSource() {
  const readings: PromiseWithResolvers<number>[] = [];
  const read = () => {
    const reading = Promise.withResolvers<number>();
    readings.push(reading);
    return reading.promise;
  };
  return { readings, read };
}

test("who asks first after a long time waits for what is read now; all who ask meanwhile share that reading", async () => {
  const { clock, advance } = createClock();
  const { readings, read } = createSource();
  const kept = keep(read, { everyMs: 2_000, times: 5 }, clock);
  const first = [kept(), kept()];
  readings[0]!.resolve(1);
  assert.deepEqual(await Promise.all(first), [
    { value: 1, fault: "" },
    { value: 1, fault: "" },
  ]);
  advance(1_999);
  assert.equal((await kept()).value, 1);
  advance(3_600_000);
  const later = kept();
  readings[1]!.resolve(2);
  assert.equal((await later).value, 2);
  assert.equal(readings.length, 2);
});

test("a reading that takes long is not waited for beyond a second, and the next one begins after a multiple of it", async () => {
  const { clock, advance } = createClock();
  const { readings, read } = createSource();
  const kept = keep(read, { everyMs: 2_000, times: 5 }, clock);
  const slow = kept();
  advance(1_000);
  assert.equal((await slow).value, undefined);
  advance(2_000);
  readings[0]!.resolve(1);
  await readings[0]!.promise;
  assert.equal((await kept()).value, 1);
  advance(14_999);
  assert.equal((await kept()).value, 1);
  assert.equal(readings.length, 1);
  advance(1);
  const next = kept();
  readings[1]!.reject(new Error("x"));
  assert.deepEqual(await next, { value: 1, fault: "an error of ours (Error)" });
});

test("an answer is shared for two seconds, unless it failed or somebody changed what it says", async () => {
  const { clock, advance } = createClock();
  const { readings, read } = createSource();
  const own = shared(read, clock);
  const [first, second] = [own.read(), own.read()];
  readings[0]!.resolve(1);
  assert.deepEqual(await Promise.all([first, second]), [1, 1]);
  own.renew();
  const changed = own.read();
  readings[1]!.resolve(2);
  assert.equal(await changed, 2);
  advance(2_001);
  const failed = own.read();
  readings[2]!.reject(new Error("away"));
  await assert.rejects(failed, /away/);
  void own.read();
  assert.equal(readings.length, 4);
});
