// The answers to probes while a role starts, runs and drains.
import assert from "node:assert/strict";
import { test } from "node:test";
import { healthAt } from "../test/support/health.ts";
import { freePort } from "../test/support/store-server.ts";
import { defineRole, type Role, type Started } from "./run.ts";

const roleThat = (start: () => Promise<Started>): Role => defineRole({ name: "tested", about: "is tested", variables: {}, start });
const env = { HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", LOG_LEVEL: "error", DRAIN_MS: "5000" };

test("gRPC health: alive from the first moment to the last, ready from the end of the start to the beginning of the drain", async () => {
  const port = await freePort();
  const [starting, started, drained] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const role = roleThat(async () => {
    starting.resolve();
    await started.promise;
    return { drained: () => drained.promise };
  });
  const start = role.start({ ...env, HEALTH_PORT: String(port) });
  await starting.promise;
  assert.deepEqual(await healthAt(port), ["NOT_SERVING", "SERVING", "NOT_SERVING"]);
  started.resolve();
  await using running = await start;
  assert.equal(running.addresses.health, `127.0.0.1:${port}`);
  assert.deepEqual(await healthAt(port), ["SERVING", "SERVING", "SERVING"]);
  const disposed = running[Symbol.asyncDispose]();
  assert.deepEqual(await healthAt(port), ["NOT_SERVING", "SERVING", "NOT_SERVING"]);
  drained.resolve();
  await disposed;
  assert.deepEqual(await healthAt(port), ["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"]);
});

test("gRPC health is off unless it is given a port, and ends with a start that fails", async () => {
  await using running = await roleThat(async () => ({})).start(env);
  assert.deepEqual(Object.keys(running.addresses), ["http"]);
  const port = await freePort();
  const failing = roleThat(() => Promise.reject(new Error("no store")));
  await assert.rejects(failing.start({ ...env, HEALTH_PORT: String(port) }), /no store/);
  assert.deepEqual(await healthAt(port), ["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"]);
});
