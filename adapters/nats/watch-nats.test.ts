import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { startNats } from "../../test/support/servers.ts";
import { natsVariables } from "./connect.ts";
import { watchNats } from "./watch-nats.ts";

test("it says whether NATS is there: from the first try on, when it goes, and when it is back", async () => {
  await using server = await startNats();
  await server.stop();
  await using watch = watchNats(readConfig(natsVariables, { NATS_URL: server.url }), {
    log: createLogger("test", "silent"),
    clock: systemClock,
  });
  assert.equal(watch.isConnected(), undefined);
  const says = (expected: boolean) => eventually(`connected: ${expected}`, () => watch.isConnected() === expected);
  await says(false);
  await server.restart();
  await says(true);
  await server.kill();
  await says(false);
  await server.restart();
  await says(true);
});
