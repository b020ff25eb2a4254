// What every command has in common: help, versions, mistakes, closed output, and how fast it can be, by what it loads.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { COMMANDS } from "../../cli/commands.ts";
import { EXIT } from "../../cli/exit-status.ts";
import { ROLE_NAMES } from "../../cli/roles.ts";
import { runCli } from "./cli-process.ts";

const root = join(import.meta.dirname, "../..");
const CLI = join(root, "cli/carillon.ts");
const LAUNCHER = join(root, "bin/carillon");
let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), "carillon-command-line-"));
});
after(() => rmSync(directory, { recursive: true, force: true }));

test("help is the same by every name, and goes to standard output", async () => {
  const [bare, ...named] = await Promise.all([[], ["help"], ["--help"], ["-h"]].map((args) => runCli(args)));
  assert.deepEqual([bare!.code, bare!.stderr], [0, ""]);
  for (const name of [...Object.keys(COMMANDS), ...ROLE_NAMES]) assert.match(bare!.stdout, new RegExp(`^  ${name} `, "m"));
  for (const other of named) assert.deepEqual(other, bare);
});

test("help of a command is the same by every name, and of a role it starts nothing", async () => {
  const [first, ...rest] = await Promise.all(
    [
      ["help", "dead", "list"],
      ["dead", "list", "--help"],
      ["dead", "list", "-h"],
    ].map((a) => runCli(a)),
  );
  assert.match(first!.stdout, /^usage: carillon dead list \[--channel C\]/);
  for (const other of rest) assert.deepEqual(other, first);
  const role = await runCli(["gateway", "--help"]);
  assert.deepEqual([role.code, role.stderr], [0, ""]);
  assert.match(role.stdout, /^usage: carillon gateway\n/);
});

test("--version is that of package.json", async () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const { code, stdout } = await runCli(["--version"]);
  assert.deepEqual([code, stdout], [0, `carillon ${version}\n`]);
});

/** Arguments, and what is said about them. */
const MISTAKES: readonly [args: string[], says: RegExp][] = [
  [["sned"], /did you mean `carillon send`\?/],
  [["app", "key", "revok"], /no subcommand "revok"; did you mean `carillon app key revoke`\?/],
  [["app"], /a subcommand is missing[\s\S]*app key add/],
  [["get", "--adress", "x"], /unknown option --adress; did you mean --address\?/],
  [["get", "a", "b"], /"b" is one argument too many/],
  [["audit", "everything"], /"everything" is one argument too many/],
  [["relay", "fast"], /takes no arguments/],
  [["completion", "powershell"], /must be one of bash, zsh, fish/],
];
for (const [args, says] of MISTAKES)
  test(`"carillon ${args.join(" ")}" is a mistake that says what is meant`, async () => {
    const { code, stdout, stderr } = await runCli(args);
    assert.deepEqual([code, stdout], [EXIT.usage, ""]);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

test("a port that is taken is one line", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  writeFileSync(join(directory, "token"), "0123456789abcdef0123456789abcdef");
  const env = { STORE_URL: `sqlite:${directory}/port.sqlite`, INTERNAL_TOKEN_FILE: join(directory, "token"), HTTP_HOST: "127.0.0.1" };
  const { code, stderr } = await runCli(["preferences"], { ...env, HTTP_PORT: String(port) });
  taken.close();
  assert.equal(code, EXIT.failed);
  assert.equal(stderr, `carillon: cannot listen on 127.0.0.1:${port}: another process listens there; end it, or set another port\n`);
});

test("a reader that has enough ends a command without a word", async () => {
  const child = spawn(process.execPath, [CLI, "help"], { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // The reader goes while the command starts, so that its first line finds nobody.
  child.stdout.destroy();
  const [code] = (await once(child, "close")) as [number];
  assert.deepEqual([code, stderr], [EXIT.outputClosed, ""]);
});

test("help loads the list of commands and nothing that it can do without", () => {
  const report = `import { registerHooks } from "node:module"; import { writeSync } from "node:fs";
    registerHooks({ load(url, context, next) { if (!url.startsWith("node:")) writeSync(2, url + "\\n"); return next(url, context); } });`;
  const hook = `data:text/javascript,${encodeURIComponent(report)}`;
  const { stderr } = spawnSync(process.execPath, ["--import", hook, CLI, "--help"], { encoding: "utf8" });
  const loaded = stderr
    .trim()
    .split("\n")
    .map((url) => url.slice(url.indexOf(root) + root.length + 1));
  assert.deepEqual(loaded.sort(), [
    "cli/answer-help.ts",
    "cli/carillon.ts",
    "cli/command-line.ts",
    "cli/commands.ts",
    "cli/exit-status.ts",
    "cli/help.ts",
    "cli/roles.ts",
    "core/delivery/channel.ts",
    "runtime/nearest.ts",
  ]);
});

test("the executable runs from any folder, through links, and beside a Node that is too old", () => {
  const bin = join(directory, "bin");
  const cache = join(directory, "cache");
  const installed = join(cache, "node", versionOfSetup(), "node_modules/.bin");
  for (const folder of [bin, installed]) mkdirSync(folder, { recursive: true });
  symlinkSync(LAUNCHER, join(directory, "first"));
  symlinkSync("../first", join(bin, "carillon"));
  writeFileSync(join(bin, "node"), "#!/bin/sh\nexit 9\n");
  chmodSync(join(bin, "node"), 0o755);
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: directory, CARILLON_CACHE: cache };
  const run = () => spawnSync(join(bin, "carillon"), ["--version"], { cwd: "/", encoding: "utf8", env });
  const without = run();
  assert.notEqual(without.status, 0);
  assert.match(without.stderr, /^Node 24\.2 or newer is needed: make setup installs one/);
  symlinkSync(process.execPath, join(installed, "node"));
  const { status, stdout, stderr } = run();
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /^carillon \d/);
});

/** Of the Node that scripts/setup installs. */
const versionOfSetup = () => /^node_version=(\S+)$/m.exec(readFileSync(join(root, "scripts/with-node"), "utf8"))![1]!;
