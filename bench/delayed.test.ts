import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { createDelayed } from "./delayed.ts";

test("runs things in their order once their time has come, and at once without a delay", () => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  try {
    const done: number[] = [];
    const delayed = createDelayed(Date.now);
    delayed.run(() => done.push(0));
    assert.deepEqual(done, [0]);
    delayed.delayMs = 50;
    delayed.run(() => done.push(1));
    mock.timers.tick(20);
    delayed.run(() => done.push(2));
    delayed.delayMs = 0;
    delayed.run(() => done.push(3));
    mock.timers.tick(29);
    assert.deepEqual(done, [0]);
    mock.timers.tick(1);
    assert.deepEqual(done, [0, 1]);
    mock.timers.tick(20);
    assert.deepEqual(done, [0, 1, 2, 3]);
    delayed.run(() => done.push(4));
    assert.deepEqual(done, [0, 1, 2, 3, 4]);
  } finally {
    mock.timers.reset();
  }
});
