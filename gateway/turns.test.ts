import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock } from "../runtime/clock.ts";
import { createTurns } from "./turns.ts";

test("a call of one app waits for no more than one slice of each other app, and few slices run in a turn", async () => {
  const turn = createTurns(systemClock);
  const worked: string[] = [];
  const work = async (app: string, slices: number) => {
    for (let i = 0; i < slices; i++) {
      await turn(app);
      worked.push(app);
    }
  };
  const all = Promise.all([...Array.from({ length: 20 }, () => work("greedy", 3)), work("small", 1)]);
  await nextTurn();
  assert.ok(worked.length <= 4, `${worked.length} slices in one turn`);
  assert.ok(worked.slice(0, 2).includes("small"));
  await all;
  assert.equal(worked.length, 61);
});

test("where too many slices wait, a call goes on", async () => {
  const turn = createTurns(systemClock);
  await Promise.all(Array.from({ length: 5_000 }, () => turn("greedy")));
});
