import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { DeadlineError, limitedSignal, withDeadline } from "./deadline.ts";

const never = () => new Promise<never>(() => undefined);

test("work that ends before its deadline keeps its own result or error", async () => {
  const { signal } = new AbortController();
  const late = () => assert.fail("it was not late");
  assert.equal(await withDeadline(Promise.resolve(1), { limitMs: 60_000, signal }, late), 1);
  assert.equal(await withDeadline(Promise.resolve(undefined), { limitMs: 60_000 }, late), undefined);
  await assert.rejects(withDeadline(Promise.reject(new RangeError("of the work")), { limitMs: 60_000 }, late), RangeError("of the work"));
});

test("a deadline in ms ends the wait, by the process's timer or by a clock", async () => {
  await assert.rejects(withDeadline(never(), { limitMs: 1 }), { constructor: DeadlineError, message: "not within 1 ms" });
  const clock = createFakeClock();
  const waiting = withDeadline(never(), { limitMs: 5_000, clock }, () => "late");
  clock.advance(5_000);
  assert.equal(await waiting, "late");
});

test("an aborted signal ends the wait, also if it was aborted before", async () => {
  const stopping = new AbortController();
  const waiting = withDeadline(never(), { limitMs: 60_000, clock: createFakeClock(), signal: stopping.signal }, () => "late");
  stopping.abort();
  assert.equal(await waiting, "late");
  await assert.rejects(withDeadline(never(), { signal: stopping.signal }), { name: "TimeoutError", message: "the deadline passed" });
});

test("what `late` throws is the result", async () => {
  const late = () => {
    throw new RangeError("too late");
  };
  await assert.rejects(withDeadline(never(), { signal: AbortSignal.abort() }, late), RangeError("too late"));
});

test("work that fails after its deadline is no unhandled rejection", async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  assert.equal(await withDeadline(promise, { signal: AbortSignal.abort() }, () => "late"), "late");
  reject(new Error("after the deadline"));
  await new Promise(setImmediate);
});

/** A fake clock that counts the timers which have neither run nor been stopped. */
function countTimers() {
  const clock = createFakeClock();
  let running = 0;
  const after = (ms: number, run: () => void) => {
    running++;
    const stop = clock.after(ms, () => {
      running--;
      run();
    });
    return () => {
      running--;
      stop();
    };
  };
  return { clock: { ...clock, after }, running: () => running };
}

test("a clock's timer ends with the work", async () => {
  const { clock, running } = countTimers();
  await withDeadline(Promise.resolve(), { limitMs: 60_000, clock });
  assert.equal(running(), 0);
});

test("a limit's signal aborts at its time, and not after the block that used it", () => {
  const { clock, running } = countTimers();
  let ended: AbortSignal;
  {
    using limit = limitedSignal(5_000, clock);
    ended = limit.signal;
    assert.equal(running(), 1);
  }
  assert.equal(running(), 0);
  using limit = limitedSignal(5_000, clock);
  clock.advance(4_999);
  assert.equal(limit.signal.aborted, false);
  clock.advance(1);
  assert.equal(limit.signal.reason.name, "TimeoutError");
  assert.equal(ended.aborted, false);
});
