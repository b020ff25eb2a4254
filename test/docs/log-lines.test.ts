// The log lines that the operators' pages quote are lines of the code.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const PAGES = ["docs/operations.md", "docs/alerts.md", "docs/security.md"];
const FOLDERS = "adapters,autoscaler,cli,core,dispatchers,feedback,gateway,operations,preferences,providers,relay,runtime";
/** Words in backticks that are no command. */
const SENTENCE = /^[A-Za-z]+(?:,? [A-Za-z][a-z-]*)+$/;
const COMMAND = /^(?:appendfsync|appendonly|carillon|chronyc|dead|helm|kubectl|make|nats (?:consumer|stream)) /;

const quotedBy = (page: string) =>
  [...page.replaceAll(/```.*?```/gs, "").matchAll(/`([^`\n]+)`/g)]
    .map(([, text = ""]) => text)
    .filter((text) => SENTENCE.test(text) && !COMMAND.test(text));

test("every log line that an operator is told to look for is one", () => {
  const code = globSync(`{${FOLDERS}}/**/*.ts`, { cwd: root })
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => readFileSync(join(root, file), "utf8"))
    .join("\n");
  const quoted = PAGES.flatMap((page) => quotedBy(readFileSync(join(root, page), "utf8")));
  assert.ok(quoted.length > 15, `${quoted}`);
  assert.deepEqual(
    quoted.filter((text) => !code.includes(text)),
    [],
  );
});

test("a line that is none would be noticed, and a command is none", () => {
  const page = "`redis connection lost`, `kubectl logs -p`, `carillon dead list`, `NATS_URL`, `{a: 1}`, `make sure`";
  assert.deepEqual(quotedBy(page), ["redis connection lost"]);
});
