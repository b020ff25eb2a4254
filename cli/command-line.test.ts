import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nearest } from "../runtime/nearest.ts";
import { type Asked, readCommandLine } from "./command-line.ts";
import { ALIASES, COMMANDS, loadCommand, SECTIONS } from "./commands.ts";
import { EXIT } from "./exit-status.ts";
import { argumentsMax } from "./read-arguments.ts";
import { loadRoles, ROLE_NAMES } from "./roles.ts";

test("every command of the list is in its module, every command of a module is in the list, and so are roles", async () => {
  const loaders = new Set(Object.values(COMMANDS).map(({ load }) => load));
  const modules = await Promise.all([...loaders].map((load) => load()));
  assert.deepEqual(modules.flatMap((module) => Object.keys(module)).sort(), Object.keys(COMMANDS).sort());
  for (const [name, { load }] of Object.entries(COMMANDS)) assert.ok((await load())[name], name);
  assert.deepEqual((await loadRoles()).map(({ name }) => name).sort(), [...ROLE_NAMES].sort());
  for (const name of Object.values(ALIASES)) assert.ok(await loadCommand(name));
});

test("the overview fits into 80 columns, and a command is in one section", () => {
  const names = SECTIONS.flatMap(({ commands }) => Object.keys(commands));
  assert.equal(new Set(names).size, names.length);
  for (const [name, { summary }] of Object.entries(COMMANDS)) assert.ok(summary.length <= 56, `${name}: ${summary.length} characters`);
});

const READ: readonly [line: string, asked: Asked][] = [
  ["", { kind: "help" }],
  ["help", { kind: "help" }],
  ["--help", { kind: "help" }],
  ["-h", { kind: "help" }],
  ["help app key add", { kind: "help", name: "app key add" }],
  ["help app", { kind: "help", name: "app" }],
  ["help dev", { kind: "help", name: "up" }],
  ["help relay", { kind: "help", name: "relay" }],
  ["help nothing", { kind: "unknown", name: "nothing" }],
  ["app --help", { kind: "help", name: "app" }],
  ["--version", { kind: "version" }],
  ["version", { kind: "version" }],
  ["relay", { kind: "role", name: "relay", args: [] }],
  ["relay --help", { kind: "help", name: "relay" }],
  ["relay now", { kind: "role", name: "relay", args: ["now"] }],
  ["preferences", { kind: "role", name: "preferences", args: [] }],
  ["preferences show --app a", { kind: "command", name: "preferences show", args: ["--app", "a"] }],
  ["dev --directory x", { kind: "command", name: "up", args: ["--directory", "x"] }],
  ["app key revoke a b", { kind: "command", name: "app key revoke", args: ["a", "b"] }],
  ["get --help", { kind: "command", name: "get", args: ["--help"] }],
  ["app", { kind: "group", name: "app", wrong: undefined }],
  ["app key drop", { kind: "group", name: "app key", wrong: "drop" }],
  ["toString", { kind: "unknown", name: "toString" }],
];
for (const [line, asked] of READ)
  test(`"carillon ${line}" is read as ${asked.kind}`, () => {
    assert.deepEqual(readCommandLine(line.split(" ").filter((word) => word !== "")), asked);
  });

test("what was probably meant is named, and what is far from everything is not", () => {
  const choices = ["send", "get", "app key add", "app key revoke", "audit"];
  for (const [given, meant] of [
    ["sned", "send"],
    ["snd", "send"],
    ["aduit", "audit"],
    ["app key revok", "app key revoke"],
    ["xyzzy", undefined],
    ["", undefined],
  ] as const)
    assert.equal(nearest(given, choices), meant, given);
});

test("a usage says how many arguments are taken", () => {
  for (const [usage, max] of [
    ["", 0],
    ["--app ID [--json]", 0],
    ["[--json]", 0],
    ["FILE|- [--json]", 1],
    ["ID --app ID", 1],
    ["ROLE | --all", 1],
    ["ID KEY_ID... [--out FILE]", Number.POSITIVE_INFINITY],
    ["ID... | - [--json]", Number.POSITIVE_INFINITY],
  ] as const)
    assert.equal(argumentsMax(usage), max, usage);
});

test("docs/command-line.md lists the exit statuses", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/command-line.md"), "utf8");
  const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, status]) => Number(status));
  assert.deepEqual(listed, Object.values(EXIT));
});
