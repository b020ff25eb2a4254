import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "./logger.ts";
import { createStateLog } from "./state-log.ts";

test("each change of state is logged once, at most every 5 s", () => {
  const lines: string[] = [];
  let now = 0;
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const state = createStateLog(log, { lost: "away", back: "back" }, () => now);
  const logged = () => lines.splice(0).map((line) => [JSON.parse(line).msg, JSON.parse(line).fault]);
  state.works();
  assert.deepEqual(logged(), [], "it was never lost");
  for (let n = 0; n < 100; n++) state.fails("refused");
  assert.deepEqual(logged(), [["away", "refused"]]);
  state.works();
  state.fails("refused");
  assert.deepEqual(logged(), [], "it came and went within 5 s");
  now += 5_000;
  state.fails("PERMISSION_DENIED");
  assert.deepEqual(logged(), [["away", "PERMISSION_DENIED"]], "another fault is another state");
  now += 5_000;
  for (let n = 0; n < 100; n++) state.works();
  assert.deepEqual(logged(), [["back", undefined]]);
});
