import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { temporaryDirectory } from "./temporary-directory.ts";

const PROGRAM = `
import { writeFileSync } from "node:fs";
import { temporaryDirectory } from ${JSON.stringify(new URL("./temporary-directory.ts", import.meta.url).href)};
const { path } = temporaryDirectory();
writeFileSync(path + "/file", "");
console.log(path);
setInterval(() => undefined, 1_000);
`;

async function started(): Promise<{ child: ChildProcess; path: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], { stdio: ["ignore", "pipe", "inherit"] });
  const [output] = (await once(child.stdout, "data")) as [Buffer];
  return { child, path: output.toString().trim() };
}

for (const signal of ["SIGINT", "SIGTERM"] as const)
  test(`a directory is removed where the process ends by ${signal}`, async () => {
    const { child, path } = await started();
    assert.ok(existsSync(path));
    child.kill(signal);
    await once(child, "exit");
    assert.ok(!existsSync(path));
  });

test("a directory is removed by disposal", () => {
  const directory = temporaryDirectory();
  assert.ok(existsSync(directory.path));
  directory[Symbol.dispose]();
  assert.ok(!existsSync(directory.path));
});
