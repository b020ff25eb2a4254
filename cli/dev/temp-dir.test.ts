import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openTempDir } from "./temp-dir.ts";

test("goes at disposal", () => {
  const scratch = openTempDir("carillon-scratch");
  assert.ok(existsSync(scratch.path));
  scratch[Symbol.dispose]();
  assert.ok(!existsSync(scratch.path));
});

test("goes when the process exits, and when a second Ctrl-C ends what the first one did not", async () => {
  assert.equal(await statusAfter("process.exit(7)", () => undefined), 7);
  // It takes the first one as a process that drains does, and says so.
  const draining = 'process.once("SIGINT", () => console.log("draining")); setInterval(() => {}, 1000)';
  const interruptTwice = async (child: ChildProcess) => {
    child.kill("SIGINT");
    await once(child.stdout!, "data");
    child.kill("SIGINT");
  };
  assert.equal(await statusAfter(draining, interruptTwice), 130);
});

/** The exit status of a process that opens a scratch folder and then does `what`; the folder must be gone. */
async function statusAfter(what: string, then: (child: ChildProcess) => unknown): Promise<number | null> {
  const program = `
    const { openTempDir } = await import(${JSON.stringify(join(import.meta.dirname, "temp-dir.ts"))});
    console.log(openTempDir("carillon-scratch").path);
    ${what}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const [path] = await once(child.stdout, "data");
  await then(child);
  const [status]: (number | null)[] = await ended;
  assert.ok(!existsSync(String(path).trim()));
  return status ?? null;
}
