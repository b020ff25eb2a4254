import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../adapters/store/store-error.ts";
import { NO_ACCOUNTS } from "../core/apps/accounts.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import { APP_LIFE_MS, createAppReader } from "./app-reader.ts";

function setUp() {
  const clock = createFakeClock();
  const apps = { acme: sampleApp({ accounts: { apns: "acme-ios" } }), shop: sampleApp() } as Record<string, ReturnType<typeof sampleApp>>;
  const reads: string[] = [];
  const server = { isDown: false };
  const find = async (id: string) => {
    reads.push(id);
    if (server.isDown) throw new StoreError("down");
    return apps[id];
  };
  return { clock, apps, reads, accountsOf: createAppReader({ find }, clock, (app) => app?.accounts ?? NO_ACCOUNTS), server };
}

test("an app without accounts, or without a record, has none", async () => {
  const { accountsOf } = setUp();
  assert.deepEqual([await accountsOf("acme"), await accountsOf("shop"), await accountsOf("nobody")], [{ apns: "acme-ios" }, {}, {}]);
});

test("tasks share one read, and a change is seen after the life of what was read", async () => {
  const { accountsOf, apps, clock, reads } = setUp();
  await Promise.all([accountsOf("acme"), accountsOf("acme"), accountsOf("shop")]);
  apps.acme = sampleApp({ accounts: { apns: "other" } });
  clock.advance(APP_LIFE_MS);
  assert.deepEqual(await accountsOf("acme"), { apns: "acme-ios" });
  clock.advance(1);
  assert.deepEqual(await accountsOf("acme"), { apns: "other" });
  assert.deepEqual(reads, ["acme", "shop", "acme"]);
});

test("what is too old is not used while the store is unavailable, and the next task asks again", async () => {
  const { accountsOf, clock, server } = setUp();
  await accountsOf("acme");
  server.isDown = true;
  clock.advance(APP_LIFE_MS + 1);
  await assert.rejects(accountsOf("acme"), StoreError);
  server.isDown = false;
  assert.deepEqual(await accountsOf("acme"), { apns: "acme-ios" });
});
