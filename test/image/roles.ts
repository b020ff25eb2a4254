// make image-test: the image's files, put together without a container as deploy/docker/Dockerfile says, in read-only folders,
// run by an unprivileged user. Separate from the other tests because it installs the packages.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { ROLE_NAMES } from "../../cli/roles.ts";
import { eventually } from "../support/eventually.ts";
import { healthAt } from "../support/health.ts";
import { V8_OPTIONS } from "../support/node-arguments.ts";
import { startRedis } from "../support/servers.ts";
import { contextFiles, readDockerfile, root } from "./layout.ts";

const UNPRIVILEGED = 65_532;
const INSTALL_MS = 300_000;
const RUN_MS = 60_000;
const isRoot = process.getuid?.() === 0;
const identity = isRoot ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};

const image = mkdtempSync(join(tmpdir(), "carillon-image-"));
const [app, node, volume] = [join(image, "app"), join(image, "node"), join(image, "volume")];
const stages = readDockerfile();
/** The image's own environment, with /app where it lies here. */
const ownEnv = Object.fromEntries(
  stages
    .at(-1)!
    .instructions.filter((i) => i.name === "ENV")
    .flatMap((i) => i.rest.split(" "))
    .map((pair) => pair.replaceAll("/app", app).split("=") as [string, string]),
);

before(
  () => {
    for (const folder of [app, volume]) mkdirSync(folder);
    for (const path of contextFiles()) cpSync(join(root, path), join(app, path));
    copyFileSync(process.execPath, node);
    const install = stages.find((s) => s.name === "packages")!.instructions.filter((i) => i.name === "RUN");
    for (const { rest } of install)
      execFileSync("sh", ["-ec", rest], {
        cwd: app,
        timeout: INSTALL_MS,
        stdio: ["ignore", "ignore", "inherit"],
        // What is in npm's cache need not be fetched.
        env: { ...process.env, npm_config_prefer_offline: "true", PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
      });
    const cache = join(app, "compile-cache");
    mkdirSync(cache);
    chmodSync(image, 0o755);
    if (isRoot) for (const folder of [cache, volume]) chownSync(folder, UNPRIVILEGED, UNPRIVILEGED);
    execFileSync(node, [...V8_OPTIONS, join(app, "cli/load-all.ts")], {
      ...identity,
      env: ownEnv,
      cwd: app,
      timeout: RUN_MS,
      stdio: "ignore",
    });
    execFileSync("chmod", ["-R", "a-w", app]);
  },
  { timeout: INSTALL_MS },
);
after(() => {
  execFileSync("chmod", ["-R", "u+w", app]);
  rmSync(image, { recursive: true });
});

/** `carillon …` as the image runs it. */
function carillon(args: string[], env: Record<string, string> = {}) {
  // Elsewhere, so that nothing is found by the working directory.
  const child = spawn(node, [...V8_OPTIONS, join(app, "cli/carillon.ts"), ...args], {
    ...identity,
    cwd: "/",
    env: { ...ownEnv, ...env },
    timeout: RUN_MS,
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  const { promise: ended, resolve } = Promise.withResolvers<number | null>();
  child.on("close", resolve);
  return { child, output, ended };
}

test("help loads every role", async () => {
  const { output, ended } = carillon(["help"]);
  assert.equal(await ended, 0, output.stderr);
  assert.equal(output.stderr, "");
  for (const role of ROLE_NAMES) assert.match(output.stdout, new RegExp(`^  ${role} `, "m"));
});

test("config prints the page of the documentation, and the image's compile cache is used, although it is read-only", async () => {
  const { output, ended } = carillon(["config", "--all"], { NODE_DEBUG_NATIVE: "COMPILE_CACHE" });
  assert.equal(await ended, 0, output.stderr);
  assert.match(output.stdout, /^# Configuration\n/);
  const accepted = output.stderr.match(/was accepted/g)?.length ?? 0;
  assert.ok(accepted > 500, `${accepted} of the modules came from the cache`);
});

for (const role of ROLE_NAMES)
  test(`${role} starts as far as its configuration, and says in words what is missing`, async () => {
    const { output, ended } = carillon([role], { HTTP_PORT: "0", LOG_LEVEL: "loud" });
    assert.equal(await ended, 1, output.stderr);
    assert.match(output.stderr, /^carillon: configuration: \d+ mistakes?\n {2}LOG_LEVEL: must be one of/);
    assert.doesNotMatch(output.stderr, /\n\s+at /);
  });

test("a role runs, is probed over gRPC, and ends on SIGTERM", async () => {
  await using redis = await startRedis();
  const token = join(volume, "token");
  writeFileSync(token, "a token of the image test", { mode: 0o644 });
  const { child, output, ended } = carillon(["preferences"], {
    ...{ HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", HEALTH_PORT: "0", PREFERENCES_LISTEN: "127.0.0.1:0" },
    ...{ STORE_URL: `sqlite:${join(volume, "store.sqlite")}`, REDIS_URL: redis.url, INTERNAL_TOKEN_FILE: token },
    NODE_OPTIONS: "--max-old-space-size-percentage=70 --max-semi-space-size=16",
  });
  const port = () => /"health":"127\.0\.0\.1:(\d+)"/.exec(output.stderr)?.[1];
  await eventually("it has started", () => port() !== undefined || child.exitCode !== null);
  assert.deepEqual(await healthAt(Number(port())), ["SERVING", "SERVING", "SERVING"], output.stderr);
  child.kill("SIGTERM");
  assert.equal(await ended, 0, output.stderr);
});
