import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { eventually } from "../../test/support/eventually.ts";
import { answer, startServer } from "../../test/support/http2-server.ts";
import { startTestSandbox } from "../../test/support/raw-client.ts";
import { apnsVariables } from "./config.ts";
import { createApnsProvider } from "./provider.ts";
import { TOKEN_YOUNGEST_MS } from "./signing-token.ts";

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
after(() => sandbox[Symbol.asyncDispose]());

test("a push that was sent with an expired token is unavailable, also where the answer comes once the next token is in use", async () => {
  await using server = await startServer(10);
  let skippedMs = 0;
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skippedMs };
  const env = { ...sandbox.env, APNS_ORIGIN: server.origin, PROVIDER_CA_FILE: server.caFile };
  await using provider = createApnsProvider(readConfig(apnsVariables, env), { clock });
  const begin = async (count: number) => {
    const outcome = provider.send(samplePush({ channel: "apns", token: `${"5a".repeat(20)}aa` }), AbortSignal.timeout(60_000));
    await eventually("begun", () => server.arrived.length === count);
    return { outcome, arrived: server.arrived[count - 1]! };
  };
  const expired = async ({ outcome, arrived }: Awaited<ReturnType<typeof begin>>) => {
    answer(arrived, 403, JSON.stringify({ reason: "ExpiredProviderToken" }));
    return await outcome;
  };
  const unavailable = { kind: "unavailable", fault: { code: "ExpiredProviderToken" } };

  const [first, second] = [await begin(1), await begin(2)];
  skippedMs += TOKEN_YOUNGEST_MS;
  assert.deepEqual(await expired(first), unavailable);
  const third = await begin(3);
  assert.deepEqual(await expired(second), unavailable);
  assert.deepEqual(await expired(third), { kind: "misconfigured", reason: "ExpiredProviderToken" });
});
