import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "./logger.ts";
import { createStateLog, STATE_LOG_MS } from "./state-log.ts";

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

test("an error is logged with its name and message, and another message is not another state", () => {
  const lines: string[] = [];
  let now = 0;
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const state = createStateLog(log, { lost: "away", back: "back" }, () => now);
  for (let n = 0; n < 3; n++) {
    state.fails({ err: new TypeError(`call ${n} failed`), trustedForMs: 7 });
    now += STATE_LOG_MS;
  }
  state.works({ open: 3 });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ msg, err, trustedForMs, open }) => [msg, err?.name, err?.message, trustedForMs, open]),
    [
      ["away", "TypeError", "call 0 failed", 7, undefined],
      ["back", undefined, undefined, undefined, 3],
    ],
  );
});
