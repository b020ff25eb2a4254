import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutboundDelivery, Provider } from "../core/ports/provider.ts";
import { createLogger } from "../runtime/logger.ts";
import { accepted } from "../test/support/dispatch-world.ts";
import { eventually } from "../test/support/eventually.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { createAccountPool } from "./account-pool.ts";

const log = createLogger("test", "silent", { write() {} });
const delivery = {} as OutboundDelivery;
const { signal } = new AbortController();

function closable(name: string) {
  const provider = scriptedProvider(name, () => accepted);
  let disposals = 0;
  return { ...provider, disposals: () => disposals, [Symbol.asyncDispose]: async () => void disposals++ };
}
const poolOf = (...order: string[]) => createAccountPool(order, (provider: Provider) => provider, log);

test("accounts are in their providers' order of preference, with those of unlisted providers last", () => {
  const pool = poolOf("vonage", "twilio");
  for (const [name, account] of [
    ["twilio", "a"],
    ["other", "a"],
    ["vonage", "b"],
    ["vonage", "a"],
  ] as const)
    pool.put(account, closable(name));
  assert.deepEqual(
    pool.providers.map(({ name, account }) => `${name}/${account}`),
    ["vonage/b", "vonage/a", "twilio/a", "other/a"],
  );
});

test("an account that replaces another is used from then on, and the previous one is closed", async () => {
  await using pool = poolOf("twilio");
  const [before, after] = [closable("twilio"), closable("twilio")];
  pool.put("acme", before);
  const [provider] = pool.providers;
  pool.put("acme", after);
  await provider!.send(delivery, signal);
  assert.deepEqual([before.sent.length, after.sent.length], [0, 1]);
  await eventually("the one before is closed", () => before.disposals() === 1);
});

test("an account that is removed is not offered any more and closed once, also when the pool ends", async () => {
  const gone = closable("twilio");
  const stays = closable("twilio");
  {
    await using pool = poolOf("twilio");
    pool.put("acme", gone);
    pool.put("globex", stays);
    pool.remove("twilio", "acme");
    pool.remove("twilio", "nobody");
    assert.deepEqual(
      pool.providers.map(({ account }) => account),
      ["globex"],
    );
    await eventually("it is closed", () => gone.disposals() === 1);
  }
  assert.deepEqual([gone.disposals(), stays.disposals()], [1, 1]);
});
