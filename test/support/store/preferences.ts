import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Block } from "../../../core/preferences/block.ts";
import { stateOf } from "../../../core/preferences/change.ts";
import { noPreferences, type OptOut } from "../../../core/preferences/opt-out.ts";
import { changing } from "../changing.ts";
import { runRace } from "./race.ts";
import { T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describePreferences(name: string, test: StoreTest): void {
  describe(`${name}: preferences`, () => {
    const smsAds = { channel: "sms", category: "ads" } as const;
    const everything = { channel: "*", category: "*" } as const;

    test("creates, changes and takes back opt-outs, one version each", async (store) => {
      const first = await store.preferences.update("shop", "user:u1", changing([smsAds, everything]), T0);
      const { lastChange: made, ...asRead } = first;
      assert.deepEqual(asRead, { ...noPreferences("shop", "user:u1"), version: 1, optOuts: [smsAds, everything], updatedAt: T0 });
      const second = await store.preferences.update("shop", "user:u1", changing([smsAds], [everything]), T0 + 1);
      const { lastChange, ...found } = second;
      assert.deepEqual(found, { ...asRead, version: 2, optOuts: [smsAds], updatedAt: T0 + 1 });
      assert.deepEqual(await store.preferences.find("shop", ["user:u1"]), [found]);
      assert.deepEqual(await store.preferences.history("shop", "user:u1", 3, 10), [lastChange, made]);
    });

    test("keeps choices with their ends, consents, blocks and what was withdrawn", async (store) => {
      const paused = { ...smsAds, until: T0 + 5 };
      const blocks: Block[] = [
        { kind: "stop", pool: "deals", reason: "STOP", source: "twilio", at: T0 },
        { kind: "complaint", classes: ["marketing", "transactional"], reason: "abuse", source: "sendgrid", at: T0 + 1 },
      ];
      const origin = { actor: "ann@support", source: "phone", evidence: "call 17" };
      const change = { optOut: [paused], consent: [everything], block: blocks, origin };
      const first = await store.preferences.update("shop", "endpoint:e1", change, T0);
      const [found] = await store.preferences.find("shop", ["endpoint:e1"]);
      assert.deepEqual(stateOf(found!), { optOuts: [paused], consents: [everything], blocks });
      const lifted = { forget: [everything], lift: [blocks[0]!], origin: {} };
      const { lastChange, ...second } = await store.preferences.update("shop", "endpoint:e1", lifted, T0 + 1);
      assert.deepEqual(stateOf(second), { optOuts: [paused], consents: [], blocks: [blocks[1]] });
      assert.deepEqual(second.withdrawn, [everything]);
      assert.deepEqual(await store.preferences.find("shop", ["endpoint:e1"]), [second]);
      assert.deepEqual(await Array.fromAsync(store.preferences.changedSince(0)), [second]);
      assert.deepEqual(await store.preferences.history("shop", "endpoint:e1", 3, 10), [lastChange, first.lastChange]);
      assert.deepEqual(first.lastChange?.origin, origin);
    });

    test("applies a change about a version to that version alone", async (store) => {
      const change = { optOut: [smsAds], ifVersion: 0, origin: {} };
      const first = await store.preferences.update("shop", "user:u1", change, T0);
      assert.deepEqual([first.version, first.outdated], [1, undefined]);
      const late = await store.preferences.update("shop", "user:u1", { ...change, optOut: [everything] }, T0 + 1);
      assert.deepEqual([late.outdated, late.version, late.optOuts, late.lastChange], [true, 1, [smsAds], undefined]);
      const early = await store.preferences.update("shop", "user:u2", { ...change, ifVersion: 1 }, T0);
      assert.deepEqual([early.outdated, early.version, early.optOuts], [true, 0, []]);
      assert.deepEqual(await store.preferences.find("shop", ["user:u2"]), []);
      assert.equal(
        (await store.preferences.update("shop", "user:u1", { ...change, forget: [smsAds], optOut: [], ifVersion: 1 }, T0 + 2)).version,
        2,
      );
      assert.equal((await store.preferences.history("shop", "user:u1", 9, 9)).length, 2);
    });

    test("keeps a consent beside a refusal of the same that ends", async (store) => {
      const paused = { ...smsAds, until: T0 + 5 };
      await store.preferences.update("shop", "user:u1", { consent: [smsAds], origin: {} }, T0);
      await store.preferences.update("shop", "user:u1", changing([paused]), T0 + 1);
      const [found] = await store.preferences.find("shop", ["user:u1"]);
      assert.deepEqual([found?.optOuts, found?.consents, found?.withdrawn], [[paused], [smsAds], undefined]);
      const { optOuts, consents } = await store.preferences.update("shop", "user:u1", changing([smsAds]), T0 + 2);
      assert.deepEqual([optOuts, consents], [[smsAds], []]);
    });

    test("gives a subject's history in pages, the latest first, and nothing of another's", async (store) => {
      for (let i = 0; i < 12; i++) await store.preferences.update("shop", "user:u1", changing([{ ...smsAds, category: `c${i}` }]), T0 + i);
      await store.preferences.update("shop", "user:u10", changing([smsAds]), T0);
      await store.preferences.update("bank", "user:u1", changing([smsAds]), T0);
      const versions = async (before: number, limit: number) =>
        (await store.preferences.history("shop", "user:u1", before, limit)).map(({ version }) => version);
      assert.deepEqual(await versions(Number.MAX_SAFE_INTEGER, 5), [12, 11, 10, 9, 8]);
      assert.deepEqual(await versions(8, 5), [7, 6, 5, 4, 3]);
      assert.deepEqual(await versions(3, 5), [2, 1]);
      assert.deepEqual([await versions(1, 5), await versions(9, 0)], [[], []]);
      assert.deepEqual(await store.preferences.history("shop", "user:none", 9, 9), []);
    });

    test("finds the subjects asked for, within their app, whatever their names", async (store) => {
      const subjects = ["user:u1", 'user:$a.b"', "user:", "user:ü🔔"];
      for (const subject of subjects) await store.preferences.update("shop", subject, changing([smsAds]), T0);
      await store.preferences.update("bank", "user:u1", changing([everything]), T0);
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
      const update = (optOut: OptOut[], optIn: OptOut[] = []) => store.preferences.update("shop", "user:u1", changing(optOut, optIn), T0);
      for (let i = 0; i < 10; i++) assert.equal((await update(news(i * 100, 100))).tooMany, undefined);
      const rejected = await update([{ channel: "email", category: "one" }]);
      assert.deepEqual([rejected.tooMany, rejected.version, rejected.optOuts.length], [true, 10, 1_000]);
      assert.equal((await update([everything, { channel: "sms", category: "*" }])).tooMany, undefined);
      assert.equal((await update(news(0, 100))).tooMany, undefined, "those it has already");
      assert.equal((await update(news(2_000, 1), news(0, 1))).tooMany, undefined, "one for another");
      const [record] = await store.preferences.find("shop", ["user:u1"]);
      assert.deepEqual([record?.optOuts.length, record?.version], [1_002, 13]);
    });

    test("removes a record with its history, or its history alone, of one subject", async (store) => {
      const update = (subject: string, at = 0) => store.preferences.update("shop", subject, changing([smsAds]), T0 + at);
      const history = async (subject: string) => (await store.preferences.history("shop", subject, Number.MAX_SAFE_INTEGER, 10)).length;
      for (const subject of ["user:u1", "user:u1", "user:u2", "user:u2"]) await update(subject);
      assert.equal(await store.preferences.removeHistory("shop", "user:u1"), 2);
      assert.deepEqual([await history("user:u1"), await history("user:u2")], [0, 2]);
      assert.equal((await store.preferences.find("shop", ["user:u1"]))[0]?.version, 2);
      await update("user:u1");
      assert.equal(await history("user:u1"), 1, "only what came since");
      assert.deepEqual(
        [await store.preferences.remove("shop", "user:u2"), await store.preferences.remove("shop", "user:u2")],
        [true, false],
      );
      assert.deepEqual([await history("user:u2"), await store.preferences.find("shop", ["user:u2"])], [0, []]);
      assert.equal((await update("user:u2")).version, 3, "not below what was removed");
      assert.equal((await store.preferences.update("bank", "user:u2", changing([smsAds]), T0)).version, 1, "of another app");
    });

    test("removes a record only of the version that was asked for", async (store) => {
      const update = () => store.preferences.update("shop", "user:u1", changing([smsAds]), T0);
      await update();
      const { version } = await update();
      for (const other of [version - 1, version + 1, 0]) assert.equal(await store.preferences.remove("shop", "user:u1", other), false);
      assert.equal((await store.preferences.find("shop", ["user:u1"]))[0]?.version, version);
      assert.equal((await store.preferences.history("shop", "user:u1", Number.MAX_SAFE_INTEGER, 10)).length, 2);
      assert.equal(await store.preferences.remove("shop", "user:u1", version), true);
      assert.equal(await store.preferences.remove("shop", "user:u1", version), false);
      assert.deepEqual(await Array.fromAsync(store.preferences.changedSince(0)), []);
      assert.equal((await update()).version, version + 1);
    });

    test("removes old changes of every subject, the earliest first, up to a limit, and no choice", async (store) => {
      for (const [i, at] of [30, 10, 20].entries()) await store.preferences.update("shop", `user:${i}`, changing([smsAds]), T0 + at);
      const history = async () => {
        const all = await Promise.all([0, 1, 2].map((i) => store.preferences.history("shop", `user:${i}`, Number.MAX_SAFE_INTEGER, 10)));
        return all.map((changes) => changes.length);
      };
      assert.equal(await store.preferences.purgeHistory(T0 + 30, 0), 0);
      assert.equal(await store.preferences.purgeHistory(T0 + 30, 1), 1);
      assert.equal(await store.preferences.purgeHistory(T0 + 30, 10), 1);
      assert.equal((await Array.fromAsync(store.preferences.changedSince(0))).length, 3);
      assert.equal((await history())[0], 1);
    });

    test("lists what changed since a moment, that moment included, the oldest first", async (store) => {
      for (const [i, at] of [30, 10, 20, 20].entries()) await store.preferences.update("shop", `user:${i}`, changing([smsAds]), T0 + at);
      const since = async (at: number) => (await Array.fromAsync(store.preferences.changedSince(at))).map((p) => p.updatedAt - T0);
      assert.deepEqual(await since(0), [10, 20, 20, 30]);
      assert.deepEqual(await since(T0 + 20), [20, 20, 30]);
      assert.deepEqual(await since(T0 + 31), []);
    });

    test("lists more than a thousand changes of one moment", async (store) => {
      const subjects = Array.from({ length: 1_100 }, (_, i) => `user:${i}`);
      for (let i = 0; i < subjects.length; i += 50)
        await Promise.all(subjects.slice(i, i + 50).map((s) => store.preferences.update("shop", s, changing([everything]), T0)));
      const listed = (await Array.fromAsync(store.preferences.changedSince(T0))).map((p) => p.subject);
      assert.deepEqual(listed.sort(), [...subjects].sort());
    });
  });
}
