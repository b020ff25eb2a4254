import assert from "node:assert/strict";
import { promises as dns } from "node:dns";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "@grpc/grpc-js";
import { healthAt } from "../../test/support/health.ts";
import { startUnwantedServer, withProxyOfEnvironment } from "../../test/support/unwanted-server.ts";
import { createLogger } from "../logger.ts";
import { createClient } from "./client.ts";
import { startGrpcServer } from "./server.ts";

test("a call goes to its server, whatever proxy the environment names", async () => {
  const log = createLogger("test", "error");
  await using server = await startGrpcServer({ address: "127.0.0.1:0", services: [], reflection: false, log, drainMs: 100 });
  server.serveUntil(new AbortController().signal);
  await using proxy = await startUnwantedServer();
  await withProxyOfEnvironment(proxy.port, async () => assert.ok((await healthAt(server.port)).includes("SERVING")));
  assert.equal(proxy.connections, 0);
});

test("when a server's connection ends, its name is resolved again long before the library's own 30 s", async (t) => {
  const log = createLogger("test", "silent");
  const server = await startGrpcServer({ address: "127.0.0.1:0", services: [], reflection: false, log, drainMs: 0 });
  const again = Promise.withResolvers<string>();
  const lookup = t.mock.method(dns, "lookup", async () => {
    if (lookup.mock.callCount() > 0) again.resolve("resolved again");
    return [{ address: "127.0.0.1", family: 4 }];
  });
  using client = createClient(Client, `dns:///server.example:${server.port}`);
  const { promise: connected, resolve, reject } = Promise.withResolvers<void>();
  client.waitForReady(Date.now() + 60_000, (error) => (error ? reject(error) : resolve()));
  await connected;
  // A timer of this process too: one that is starved of CPU keeps their order.
  const stop = new AbortController();
  const late = delay(20_000, "too late", { signal: stop.signal }).catch(() => "stopped");
  await server[Symbol.asyncDispose]();
  client.getChannel().getConnectivityState(true);
  assert.equal(await Promise.race([again.promise, late]), "resolved again");
  stop.abort();
});
