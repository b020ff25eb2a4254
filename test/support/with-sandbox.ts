import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";

type Test = (sentence: string, body: (sandbox: Sandbox) => Promise<void>) => void;

/** A group of tests with a sandbox of its own, which is disposed of afterwards. */
export function withSandbox(name: string, tests: (test: Test) => void): void {
  describe(name, () => {
    let directory: string;
    let sandbox: Sandbox;
    before(async () => {
      directory = mkdtempSync(join(tmpdir(), "carillon-sandbox-"));
      sandbox = await startSandbox({ directory });
    });
    after(async () => {
      await sandbox[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    });
    tests((sentence, body) => it(sentence, () => body(sandbox)));
  });
}

/** The environment with another secret behind one of its files, written next to the one it replaces. */
export function withSecret(env: Record<string, string>, variable: string, secret: string): Record<string, string> {
  const path = join(dirname(env[variable] ?? ""), `wrong-${variable.toLowerCase()}`);
  writeFileSync(path, secret);
  return { ...env, [variable]: path };
}
