import assert from "node:assert/strict";
import { describe } from "node:test";
import type { AppRecord } from "../../../core/apps/app.ts";
import { runRace } from "./race.ts";
import { sampleApp, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const keyOf = (hash: string) => ({ id: `id-${hash}`, hash, createdAt: T0 });

/** With every field there is. */
const full: AppRecord = sampleApp({
  channels: ["sms", "email"],
  limits: {
    ...{ ratePerSecond: 0.5, burst: 100, classes: ["critical", "marketing"], openMax: 5_000, scheduledMax: 0, weight: 3 },
    dailyMax: { sms: { marketing: 0, critical: 10_000 }, email: { critical: 1 } },
    smsPrefixes: ["+49", "+1415"],
    ...{ smsSenders: ["orders"], emailFrom: ["@shop.example", "orders@bücher.example"] },
  },
  accounts: { sms: "acme", twilio: "acme-eu", sendgrid: "default" },
  categories: [
    { name: "orders", labels: {}, default: "required" },
    {
      ...{ name: "news", notificationClass: "marketing", default: "opted-out", channelsOff: ["sms"], hidden: true, order: -1 },
      labels: { en: { title: "News", description: "Once a week" }, ko: { title: "소식" } },
      tenantDefaults: { "a.b$c": "opted-in", acme: "required" },
      ...{ unsubscribeTransactional: true, cap: { max: 2, windowMs: 86_400_000, defer: true }, quietHours: "wait" },
    },
  ],
  brand: {
    names: { en: "Shop", "pt-BR": "Loja" },
    colors: { background: "#1f5c4a", text: "#ffffff", mark: "#1f5c4a", markDark: "#5fb497" },
    logo: { type: "image/png", base64: "iVBORw0KGgo=" },
  },
  keys: [keyOf("k1"), { ...keyOf("k2"), expiresAt: T0 + 1 }, { ...keyOf("k3"), revokedAt: T0 + 2 }],
});

export function describeApps(name: string, test: StoreTest): void {
  describe(`${name}: apps`, () => {
    test("finds an app, with all it holds, by its id and by each of its keys, those included that are no longer valid", async (store) => {
      assert.deepEqual(await store.apps.change("shop", () => full), full);
      assert.deepEqual(await store.apps.find("shop"), full);
      for (const hash of ["k1", "k2", "k3"]) assert.deepEqual(await store.apps.findByKeyHash(hash), full, hash);
      assert.equal(await store.apps.find("bank"), undefined);
      assert.equal(await store.apps.findByKeyHash("k4"), undefined);
      assert.equal(await store.apps.findByKeyHash("id-k1"), undefined);
    });

    test("forgets the keys, limits and accounts that a change removes, and counts the changes", async (store) => {
      await store.apps.change("shop", () => full);
      const changed = await store.apps.change("shop", (before) => ({
        ...before!,
        limits: { openMax: 7 },
        accounts: { sms: "acme" },
        keys: [...before!.keys.slice(1), keyOf("k4")],
      }));
      const kept = { limits: { openMax: 7 }, accounts: { sms: "acme" }, keys: [...full.keys.slice(1), keyOf("k4")] };
      assert.deepEqual(changed, { ...full, ...kept, version: 2 });
      assert.equal(await store.apps.findByKeyHash("k1"), undefined);
      for (const hash of ["k2", "k3", "k4"]) assert.deepEqual(await store.apps.findByKeyHash(hash), changed, hash);
    });

    test("stores nothing where the change is given up, and rejects with the reason", async (store) => {
      const stop = new Error("there is none");
      const giveUp = (): never => {
        throw stop;
      };
      await assert.rejects(store.apps.change("bank", giveUp), stop);
      assert.equal(await store.apps.find("bank"), undefined);
      await store.apps.change("shop", () => full);
      await assert.rejects(store.apps.change("shop", giveUp), stop);
      assert.deepEqual(await store.apps.find("shop"), full);
    });

    test("lists all apps by id", async (store) => {
      assert.deepEqual(await Array.fromAsync(store.apps.list()), []);
      const ids = ["shop", "bank", "a-1", "1"];
      for (const id of ids) await store.apps.change(id, () => sampleApp({ keys: [keyOf(id)] }));
      const listed = await Array.fromAsync(store.apps.list());
      assert.deepEqual(
        listed,
        ids.sort().map((id) => sampleApp({ id, keys: [keyOf(id)] })),
      );
    });

    test("keeps every key that several processes add at the same moment", async (store, url) => {
      const races = ["a", "b", "c", "d"].map((worker) => ({ kind: "grant", worker, times: 8 }) as const);
      const added = (await runRace(url, races)).flat().sort();
      assert.equal(added.length, 32);
      const app = await store.apps.find("shop");
      assert.deepEqual(app?.keys.map(({ hash }) => hash).sort(), added);
      assert.equal(app?.version, 32);
      for (const hash of added) assert.deepEqual(await store.apps.findByKeyHash(hash), app);
    });
  });
}
