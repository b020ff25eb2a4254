import assert from "node:assert/strict";
import { describe } from "node:test";
import type { OptOut } from "../../../core/preferences/opt-out.ts";
import { runRace } from "./race.ts";
import { T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describePreferences(name: string, test: StoreTest): void {
  describe(`${name}: preferences`, () => {
    const smsAds = { channel: "sms", category: "ads" } as const;
    const everything = { channel: "*", category: "*" } as const;

    test("creates, changes and takes back opt-outs, one version each", async (store) => {
      const first = await store.preferences.update("shop", "user:u1", [smsAds, everything], [], T0);
      assert.deepEqual(first, { app: "shop", subject: "user:u1", version: 1, optOuts: [smsAds, everything], updatedAt: T0 });
      const second = await store.preferences.update("shop", "user:u1", [smsAds], [everything], T0 + 1);
      assert.deepEqual(second, { ...first, version: 2, optOuts: [smsAds], updatedAt: T0 + 1 });
      assert.deepEqual(await store.preferences.find("shop", ["user:u1"]), [second]);
    });

    test("finds the subjects asked for, within their app, whatever their names", async (store) => {
      const subjects = ["user:u1", 'user:$a.b"', "user:", "user:ü🔔"];
      for (const subject of subjects) await store.preferences.update("shop", subject, [smsAds], [], T0);
      await store.preferences.update("bank", "user:u1", [everything], [], T0);
      const found = await store.preferences.find("shop", [...subjects, "user:none", "user:u1"]);
      assert.deepEqual(found.map((p) => p.subject).sort(), [...subjects].sort());
      assert.ok(found.every((p) => p.app === "shop"));
      assert.deepEqual(await store.preferences.find("shop", []), []);
    });

    test("loses no change when several processes update one subject", async (store, url) => {
      const times = 20;
      const workers = ["a", "b", "c"];
      const versions = await runRace(
        url,
        workers.map((worker) => ({ kind: "update", worker, times })),
      );
      const expected = Array.from({ length: times * workers.length }, (_, i) => i + 1);
      assert.deepEqual(
        versions
          .flat()
          .map(Number)
          .sort((a, b) => a - b),
        expected,
      );
      const [record] = await store.preferences.find("shop", ["user:u1"]);
      assert.equal(record?.version, expected.length);
      assert.equal(record?.optOuts.length, expected.length);
    });

    test("has at most a thousand opt-outs of single categories, and always one of everything", async (store) => {
      const news = (from: number, count: number) =>
        Array.from({ length: count }, (_, i) => ({ channel: "sms", category: `c${from + i}` }) as const);
      const update = (optOut: OptOut[], optIn: OptOut[] = []) => store.preferences.update("shop", "user:u1", optOut, optIn, T0);
      for (let i = 0; i < 10; i++) assert.equal((await update(news(i * 100, 100))).tooMany, undefined);
      const rejected = await update([{ channel: "email", category: "one" }]);
      assert.deepEqual([rejected.tooMany, rejected.version, rejected.optOuts.length], [true, 10, 1_000]);
      assert.equal((await update([everything, { channel: "sms", category: "*" }])).tooMany, undefined);
      assert.equal((await update(news(0, 100))).tooMany, undefined, "those it has already");
      assert.equal((await update(news(2_000, 1), news(0, 1))).tooMany, undefined, "one for another");
      const [record] = await store.preferences.find("shop", ["user:u1"]);
      assert.deepEqual([record?.optOuts.length, record?.version], [1_002, 13]);
    });

    test("lists what changed since a moment, that moment included, the oldest first", async (store) => {
      for (const [i, at] of [30, 10, 20, 20].entries()) await store.preferences.update("shop", `user:${i}`, [smsAds], [], T0 + at);
      const since = async (at: number) => (await Array.fromAsync(store.preferences.changedSince(at))).map((p) => p.updatedAt - T0);
      assert.deepEqual(await since(0), [10, 20, 20, 30]);
      assert.deepEqual(await since(T0 + 20), [20, 20, 30]);
      assert.deepEqual(await since(T0 + 31), []);
    });

    test("lists more than a thousand changes of one moment", async (store) => {
      const subjects = Array.from({ length: 1_100 }, (_, i) => `user:${i}`);
      for (let i = 0; i < subjects.length; i += 50)
        await Promise.all(subjects.slice(i, i + 50).map((s) => store.preferences.update("shop", s, [everything], [], T0)));
      const listed = (await Array.fromAsync(store.preferences.changedSince(T0))).map((p) => p.subject);
      assert.deepEqual(listed.sort(), [...subjects].sort());
    });
  });
}
