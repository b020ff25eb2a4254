// Every `carillon …` and `make …` that a page prints is one that exists, with its options.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readCommandLine } from "../../cli/command-line.ts";
import { loadCommand } from "../../cli/commands.ts";

const root = join(import.meta.dirname, "../..");
const pages = globSync("**/*.md", { cwd: root, exclude: (name) => ["node_modules", ".git", ".cache", ".carillon", ".venv"].includes(name) })
  // It also says what earlier versions had.
  .filter((path) => path !== "CHANGELOG.md")
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

/** What follows the program in code, as far as its words are plain: `carillon dead list --since 2h`. */
const CALL =
  /(?:^|[\s`(])(?:node (?:\/app\/)?cli\/carillon\.ts|bin\/carillon|carillon) ([a-z][\w -]*?)(?=$|[`"'|);&\n]| [A-Z<$[./{]| \d)/gm;

/** Blocks and spans, each on lines of its own. */
const codeOf = (text: string) =>
  [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```|`([^`\n]+)`/gm)].map(([, block, inline]) => block ?? inline).join("\n");

/** One line for each that does not exist. */
async function faultsIn({ path, text }: { path: string; text: string }): Promise<string[]> {
  const faults: string[] = [];
  for (const [, call = ""] of codeOf(text).matchAll(CALL)) {
    const asked = readCommandLine(call.trim().split(/\s+/));
    if (asked.kind === "unknown" || (asked.kind === "group" && asked.wrong !== undefined))
      faults.push(`${path}: carillon ${call}: no such command`);
    if (asked.kind !== "command") continue;
    const { options } = await loadCommand(asked.name);
    const unknown = asked.args.filter((arg) => arg.startsWith("--") && !Object.hasOwn(options, arg.slice(2)) && arg !== "--help");
    faults.push(...unknown.map((option) => `${path}: carillon ${asked.name} has no option ${option}`));
  }
  return faults;
}

test("every command of carillon in the pages exists, and so do its options", async () => {
  assert.deepEqual((await Promise.all(pages.map(faultsIn))).flat(), []);
});

test("a command or an option that does not exist is noticed", async () => {
  const text = "`carillon dead lst` `carillon sned --file x`\n```\nbin/carillon audit --jsn\ncarillon up --directory X\n```\n";
  assert.deepEqual(await faultsIn({ path: "p.md", text }), [
    "p.md: carillon dead lst: no such command",
    "p.md: carillon sned --file x: no such command",
    "p.md: carillon audit has no option --jsn",
  ]);
});

test("every target of make in the pages exists", () => {
  const targets = new Set([...readFileSync(join(root, "Makefile"), "utf8").matchAll(/^([a-z-]+):/gm)].map(([, target]) => target!));
  for (const { path, text } of pages)
    for (const [, target] of codeOf(text).matchAll(/^make ([a-z][a-z-]*)/gm)) assert.ok(targets.has(target!), `${path}: make ${target}`);
});
