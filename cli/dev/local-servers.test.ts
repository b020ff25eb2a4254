import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { startNats, startRedis } from "../../test/support/servers.ts";
import { startLocalNats } from "./local-servers.ts";

/** Long enough for a busy machine; a server that is going to end does so in milliseconds. */
const GONE_DEADLINE_MS = 10_000;

/** A zombie does not run: in a container no process may collect the orphans. */
function runs(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

async function gone(pid: number): Promise<boolean> {
  for (const deadline = performance.now() + GONE_DEADLINE_MS; performance.now() < deadline; await delay(20)) if (!runs(pid)) return true;
  return false;
}

async function redisClient(url: string) {
  const redis = new Redis(url);
  await once(redis, "ready");
  return Object.assign(redis, { [Symbol.dispose]: () => redis.disconnect() });
}

test("keeps what JetStream was given over a SIGKILL, on the same port", async () => {
  await using nats = await startNats();
  const first = await connect({ servers: nats.url });
  await (await jetstreamManager(first)).streams.add({ name: "KEPT", subjects: ["kept.>"] });
  await jetstream(first).publish("kept.one", "a line");
  await first.close();

  const { port, pid } = nats;
  await nats.kill();
  assert.equal(nats.pid, undefined);
  assert.equal(runs(pid!), false);
  await nats.restart();

  assert.equal(nats.port, port);
  const second = await connect({ servers: nats.url });
  const message = await (await jetstreamManager(second)).streams.getMessage("KEPT", { seq: 1 });
  assert.equal(message?.string(), "a line");
  await second.close();
});

test("Redis keeps what it answered when asked to, and nothing otherwise", async () => {
  for (const [appendOnly, expected] of [
    ["always", "a value"],
    ["off", null],
  ] as const) {
    await using server = await startRedis(appendOnly);
    {
      using redis = await redisClient(server.url);
      await redis.set("a key", "a value");
    }
    await server.kill();
    await server.restart();
    using redis = await redisClient(server.url);
    assert.equal(await redis.get("a key"), expected, appendOnly);
  }
});

test("leaves neither process nor directory behind", async () => {
  const server = await startRedis();
  const { pid, logFile } = server;
  assert.equal(existsSync(logFile), true);
  await server[Symbol.asyncDispose]();
  assert.equal(runs(pid!), false);
  assert.equal(existsSync(dirname(logFile)), false);
  await server.stop();
});

test("a port in use is an error with the server's own text, and nothing is left running", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-taken-"));
  const stranger = createServer((socket) => socket.end("INFO {}\r\n")).listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const address = stranger.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await assert.rejects(startLocalNats({ directory, port }), /address already in use/);
  stranger.close();
  rmSync(directory, { recursive: true });
});

test("ends the server when its parent is killed, even if the server had been stopped", async () => {
  for (const paused of [false, true]) {
    const directory = mkdtempSync(join(tmpdir(), "carillon-orphan-"));
    const program = `
      const { startLocalRedis } = await import(${JSON.stringify(join(import.meta.dirname, "local-servers.ts"))});
      console.log((await startLocalRedis({ directory: ${JSON.stringify(directory)} })).pid);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(parent.stdout, "data");
    const pid = Number(String(line));
    assert.equal(runs(pid), true);
    if (paused) process.kill(pid, "SIGSTOP");
    parent.kill("SIGKILL");
    assert.equal(await gone(pid), true, paused ? "stopped" : "running");
    rmSync(directory, { recursive: true });
  }
});

test("a program that forgets to dispose still ends, and its server with it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-forgotten-"));
  const program = `
    const { startLocalRedis } = await import(${JSON.stringify(join(import.meta.dirname, "local-servers.ts"))});
    console.log((await startLocalRedis({ directory: ${JSON.stringify(directory)} })).pid);`;
  const parent = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [[line], [code]] = await Promise.all([once(parent.stdout, "data"), once(parent, "exit")]);
  assert.equal(code, 0);
  assert.equal(await gone(Number(String(line))), true);
  rmSync(directory, { recursive: true });
});
