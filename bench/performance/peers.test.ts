import assert from "node:assert/strict";
import { test } from "node:test";
import { OUTCOME } from "../load/outcomes.ts";
import { startProgram } from "../program.ts";
import { startRestartable } from "../restartable.ts";
import { lossesOf } from "./peers.ts";

test("a push counts as lost only where its caller has an answer, and as doubled in any case", () => {
  const { accepted, lost, expired } = OUTCOME;
  const outcomes = Uint8Array.of(accepted, accepted, accepted, lost, lost, expired, expired);
  const times = Uint8Array.of(1, 0, 2, 1, 0, 3, 0);
  assert.deepEqual(lossesOf({ outcomes }, { times }), {
    ...{ called: 7, answered: 3, lost: 1, twice: 2 },
    ...{ unanswered: 4, unansweredPushed: 2 },
  });
});

test("a killed program is replaced by another one that answers", async () => {
  let address = "";
  const start = async () => {
    const program = startProgram(["bench/programs/null-gateway.ts"]);
    ({ address } = await program.ask<{ address: string }>());
    return program;
  };
  await using restartable = await startRestartable(start);
  const before = { pid: restartable.pid, address };
  await restartable.killAndRestart();
  assert.notEqual(restartable.pid, before.pid);
  assert.notEqual(address, before.address);
  assert.throws(() => process.kill(before.pid, 0), /ESRCH/);
});
