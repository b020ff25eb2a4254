// docs/calling.md shows what the programs beside this file do, and what our own services do.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SERVICE_CONFIG } from "../../runtime/grpc/client.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, "../..", path), "utf8");
const page = read("docs/calling.md");
/** Without what only tells how deep it stands. */
const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");
const shown = (language: string) => lines(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)?.[1] ?? assert.fail(`no ${language}`));

for (const [language, program] of [
  ["js", "node/client.mjs"],
  ["go", "go/main.go"],
  ["python", "python/client.py"],
] as const)
  test(`what the page shows for ${language} is what the program runs`, () => {
    assert.ok(lines(read(`test/clients/${program}`)).includes(shown(language)));
  });

test("the service config shown is the file's, and as our own services have it, but for the deadline that these give each call", () => {
  const file = read("examples/service-config.json");
  assert.equal(shown("json"), lines(file));
  const { methodConfig, ...rest } = JSON.parse(file) as { methodConfig: { timeout: string }[] };
  const [{ timeout, ...method }] = methodConfig as [{ timeout: string }];
  assert.equal(timeout, "10s");
  assert.deepEqual({ ...rest, methodConfig: [method] }, JSON.parse(SERVICE_CONFIG));
});
