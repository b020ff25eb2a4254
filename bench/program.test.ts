import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../test/support/eventually.ts";

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("a bench that is killed leaves no program behind", async () => {
  const starts = `
    import { startProgram } from ${JSON.stringify(join(import.meta.dirname, "program.ts"))};
    const program = startProgram(["bench/programs/load.ts"]);
    console.log(program.pid);
  `;
  const bench = spawn(process.execPath, ["--input-type=module", "-e", starts], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(bench.stdout, "data");
  const pid = Number(String(line));
  assert.ok(isAlive(pid));
  bench.kill("SIGKILL");
  await eventually("the program has ended too", () => !isAlive(pid));
});
