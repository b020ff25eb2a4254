import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ALIASES, COMMANDS } from "../commands.ts";
import { completionScript, SHELLS } from "./scripts.ts";
import { type CompletionTable, completionTable } from "./table.ts";

let table: CompletionTable;
let directory: string;
before(async () => {
  table = await completionTable({ commands: COMMANDS, aliases: ALIASES });
  directory = mkdtempSync(join(tmpdir(), "carillon-completion-"));
  for (const shell of SHELLS) writeFileSync(join(directory, shell), completionScript(shell, table));
});
after(() => rmSync(directory, { recursive: true }));

const run = (program: string, args: readonly string[]) => spawnSync(program, args, { encoding: "utf8", timeout: 30_000 });
const isMissing = (program: string) => run(program, ["--version"]).status !== 0;

/** What each shell offers after these words, the last of which is being typed. */
const ASK: Readonly<Record<(typeof SHELLS)[number], (words: readonly string[]) => string>> = {
  bash: (words) => {
    const line = words.map((word) => `'${word}'`).join(" ");
    const script = `source '${directory}/bash'; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _carillon; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run("bash", ["--norc", "-c", script]).stdout;
  },
  // Without a terminal there is no completion to start, so what it would be given is printed instead.
  zsh: (words) => {
    const line = words.map((word) => `'${word}'`).join(" ");
    const stubs = `compdef() {}; _files() { print FILES }; compadd() { print -l -- \${(P)2} }; _describe() { print -l -- \${\${(P)2}%%:*} }`;
    return run("zsh", ["-f", "-c", `${stubs}; source '${directory}/zsh'; words=(${line}); CURRENT=${words.length}; _carillon`]).stdout;
  },
  fish: (words) => run("fish", ["--no-config", "-c", `source '${directory}/fish'; complete -C "${words.join(" ")}"`]).stdout,
};

for (const shell of SHELLS)
  describe(`${shell} completes`, { skip: isMissing(shell) && `${shell} is not installed` }, () => {
    const offered = (...words: string[]) =>
      ASK[shell](["carillon", ...words])
        .split("\n")
        .map((line) => line.split("\t")[0]!)
        .filter((word) => word !== "" && word.startsWith(words.at(-1)!));

    test("commands and roles", () => {
      assert.deepEqual(
        offered("se").filter((word) => word === "send"),
        ["send"],
      );
      const first = new Set(Object.keys(COMMANDS).map((name) => name.split(" ")[0]));
      const all = offered("");
      for (const word of [...first, "relay", "help", "dev"]) assert.ok(all.includes(word!), word);
    });
    test("the second and the third word", () => {
      assert.deepEqual(offered("app", "key", "").sort(), ["add", "list", "revoke", "rotate"]);
      assert.deepEqual(offered("help", "dead", "").sort(), ["list", "poison", "redrive"]);
    });
    test("options of the command that is typed", () => {
      assert.ok(offered("app", "key", "add", "shop", "--o").includes("--out"));
      assert.ok(offered("dead", "list", "--").includes("--since"));
      assert.ok(!offered("dead", "list", "--").includes("--out"));
    });
  });
