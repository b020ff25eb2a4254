// How long does it take from `git clone` to the first notification of one's own, by curl and by a typed client? As the README says it, in a new clone.
// node bench/first-notification.ts [--cold]   --cold: nothing was installed before; otherwise what this machine has cached is used, as after a first try
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { temporaryDirectory } from "./temporary-directory.ts";

const ROOT = join(import.meta.dirname, "..");
const LANGUAGES = ["node", "python", "go"] as const;
/** Of one step, in ms. The longest installs everything. */
const STEP_MS_MAX = 600_000;
const run = promisify(execFile);

const { values } = parseArgs({ options: { cold: { type: "boolean", default: false } } });
using temporary = temporaryDirectory();
const clone = join(temporary.path, "carillon");
const caches = values.cold ? coldCaches(join(temporary.path, "caches")) : {};
const env = { ...process.env, ...caches };
const seconds = new Map<string, number>();

await timed("git clone", () => run("git", ["clone", "--quiet", ROOT, clone]));
await timed("make setup", () => make("setup"));
const up = spawn("make", ["up"], { cwd: clone, env, stdio: ["ignore", "pipe", "inherit"], detached: true });
try {
  const printed = await timed("make up, until it is ready", () => untilReady(up));
  await timed("curl", () => curl(printed));
  await timed("tools of make client, once", () => run("scripts/setup", ["tools"], { cwd: clone, env, timeout: STEP_MS_MAX }));
  for (const language of LANGUAGES) await timed(programOf(language), () => client(language));
} finally {
  process.kill(-up.pid!, "SIGTERM");
  if (up.exitCode === null) await once(up, "exit");
}
const sumOf = (...steps: string[]) => steps.reduce((sum, what) => sum + seconds.get(what)!, 0);
const toReady = sumOf("git clone", "make setup", "make up, until it is ready");
const sums = [
  ["curl", toReady + sumOf("curl")] as const,
  ...LANGUAGES.map((language) => [language, toReady + sumOf("tools of make client, once", programOf(language))] as const),
];
const rows = [...seconds, ...sums.map(([what, s]) => [`**from git clone: ${what}**`, s] as const)];
process.stdout.write(
  `${["| step | takes |", "| --- | --- |", ...rows.map(([what, s]) => `| ${what} | ${s.toFixed(1)} s |`)].join("\n")}\n`,
);

function programOf(language: string): string {
  return `${language}: make client, and its program`;
}

/** Folders in which nothing is: of set-up, npm, pip and Go. */
function coldCaches(folder: string): Record<string, string> {
  const made = { CARILLON_CACHE: "carillon", npm_config_cache: "npm", PIP_CACHE_DIR: "pip", GOMODCACHE: "go-mod", GOCACHE: "go-build" };
  // Go makes its modules read-only, and then nobody can remove the folder.
  const writable = { GOFLAGS: "-modcacherw" };
  return { ...writable, ...Object.fromEntries(Object.entries(made).map(([name, sub]) => [name, join(folder, sub)])) };
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  seconds.set(what, (performance.now() - began) / 1_000);
  process.stderr.write(`  ${what}: ${seconds.get(what)!.toFixed(1)} s\n`);
  return result;
}

function make(...args: string[]): Promise<{ stdout: string }> {
  return run("make", args, { cwd: clone, env, timeout: STEP_MS_MAX });
}

async function untilReady(child: ChildProcess): Promise<string> {
  let output = "";
  for await (const text of child.stdout!.setEncoding("utf8")) {
    output += text;
    if (output.includes("Ctrl-C drains")) return output;
  }
  throw new Error(`make up ended: ${output}`);
}

/** The README's first line, to the address that was printed. */
async function curl(printed: string): Promise<void> {
  const line = /^curl .*$/m.exec(readFileSync(join(clone, "README.md"), "utf8"))?.[0] ?? "";
  const variables = {
    CARILLON: /HTTP\/JSON (http:\S+)/.exec(printed)?.[1] ?? "",
    KEY: readFileSync(join(clone, ".carillon/api-key"), "utf8").trim(),
  };
  const { stdout } = await run("sh", ["-c", line], { cwd: clone, env: { ...env, ...variables }, timeout: STEP_MS_MAX });
  if (!stdout.includes("notificationId")) throw new Error(`curl got ${stdout}`);
}

/** `make client`, and then what it says to run; the program waits until the provider has taken the mail. */
async function client(language: string): Promise<void> {
  const out = join(temporary.path, `client-${language}`);
  mkdirSync(out);
  const { stdout } = await make("client", `LANG=${language}`, `OUT=${out}`);
  const address = /CARILLON_ADDRESS=(\S+)/.exec(readFileSync(join(clone, ".carillon/env"), "utf8"))?.[1] ?? "";
  const next = (/^ {2}(cd .*)$/m.exec(stdout)?.[1] ?? "").replace("127.0.0.1:7700", address);
  const ran = await run("sh", ["-c", `. .carillon/env && ${next}`], { cwd: clone, env, timeout: STEP_MS_MAX });
  if (!/DELIVERY_STATE_(SENT|DELIVERED)/.test(ran.stdout)) throw new Error(`the ${language} client printed ${ran.stdout}`);
}
