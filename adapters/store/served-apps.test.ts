import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { sampleApp } from "../../test/support/store/samples.ts";
import { APP_LIFE_MS } from "./app-reader.ts";
import { createServedApps } from "./served-apps.ts";
import { StoreError } from "./store-error.ts";

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
  const appOf = createServedApps({ find }, clock);
  return { clock, apps, reads, appOf, accountsOf: async (id: string) => (await appOf(id)).accounts, server };
}

test("an app without accounts, or without a record, has none", async () => {
  const { accountsOf } = setUp();
  assert.deepEqual([await accountsOf("acme"), await accountsOf("shop"), await accountsOf("nobody")], [{ apns: "acme-ios" }, {}, {}]);
});

test("of an app's categories those are known that sending asks about, without their labels", async () => {
  const { appOf, apps } = setUp();
  const category = { labels: { en: { title: "Offers" } }, default: "opted-in" } as const;
  const capped = { ...category, name: "offers", cap: { max: 1, windowMs: 60_000, defer: false } };
  const linked = { ...category, name: "orders", unsubscribeTransactional: true };
  const [urgent, required] = [
    { ...category, name: "alerts", quietHours: "send" } as const,
    { ...category, name: "codes", default: "required" } as const,
  ];
  apps.acme = sampleApp({ categories: [capped, urgent, required, linked, { ...category, name: "news" }] });
  const none = { cap: undefined, quietHours: undefined, default: "opted-in", unsubscribeTransactional: undefined };
  assert.deepEqual(
    [...(await appOf("acme")).categories],
    [
      ["offers", { ...none, cap: capped.cap }],
      ["alerts", { ...none, quietHours: "send" }],
      ["codes", { ...none, default: "required" }],
      ["orders", { ...none, unsubscribeTransactional: true }],
    ],
  );
  assert.deepEqual((await appOf("shop")).categories.size, 0);
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
