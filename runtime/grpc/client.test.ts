import assert from "node:assert/strict";
import { test } from "node:test";
import { healthAt } from "../../test/support/health.ts";
import { startUnwantedServer, withProxyOfEnvironment } from "../../test/support/unwanted-server.ts";
import { createLogger } from "../logger.ts";
import { startGrpcServer } from "./server.ts";

test("a call goes to its server, whatever proxy the environment names", async () => {
  const log = createLogger("test", "error");
  await using server = await startGrpcServer({ address: "127.0.0.1:0", services: [], reflection: false, log, drainMs: 100 });
  server.serveUntil(new AbortController().signal);
  await using proxy = await startUnwantedServer();
  await withProxyOfEnvironment(proxy.port, async () => assert.ok((await healthAt(server.port)).includes("SERVING")));
  assert.equal(proxy.connections, 0);
});
