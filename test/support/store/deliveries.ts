import assert from "node:assert/strict";
import { describe } from "node:test";
import { leaseDue } from "../lease-due.ts";
import { runRace } from "./race.ts";
import { hexId, ids, sampleChange, sampleNotification, sent, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describeDeliveries(name: string, test: StoreTest): void {
  describe(`${name}: deliveries`, () => {
    test("changes a delivery, and only the one named", async (store) => {
      const record = sampleNotification([T0, T0 + 10]);
      await store.notifications.insert([record]);
      const set = {
        nextAt: T0 + 99,
        attempt: 2,
        reason: { code: "throttled", detail: "$throttled.by" } as const,
        publishCount: 3,
        publishedAt: T0 + 98,
      };
      assert.deepEqual(await store.notifications.change([sampleChange(record, 1, set)]), [true]);
      const expected = { ...record, deliveries: [record.deliveries[0], { ...record.deliveries[1], ...set }] };
      assert.deepEqual(await store.notifications.find(record.id), expected);
    });

    test("removes a field set to undefined", async (store) => {
      const record = sampleNotification([T0]);
      const optional = ["publishedAt", "reason", "policyResend", "uncertainSince", "runStart", "redrive", "expiresAt", "endedAt"] as const;
      const values = {
        reason: { code: "throttled" },
        policyResend: true,
        publishedAt: T0,
        uncertainSince: T0,
        runStart: 1,
        redrive: 1,
        expiresAt: T0,
        endedAt: T0,
      };
      Object.assign(record.deliveries[0]!, values);
      await store.notifications.insert([record]);
      const removal = Object.fromEntries(["nextAt", ...optional].map((field) => [field, undefined]));
      await store.notifications.change([sampleChange(record, 0, { ...removal, state: "sent", providerRef: "ref" })]);
      const found = (await store.notifications.find(record.id))?.deliveries[0];
      const left = Object.entries(record.deliveries[0]!).filter(([field]) => !(field in removal));
      assert.deepEqual(found, { ...Object.fromEntries(left), state: "sent", providerRef: "ref" });
    });

    test("leaves a delivery alone that is not where the writer believes", async (store) => {
      const record = sampleNotification([T0, undefined]);
      await store.notifications.insert([record]);
      const changes = [
        sampleChange(record, 0, { state: "failed" }, { attempt: 2 }),
        sampleChange(record, 0, { state: "failed" }, { states: ["uncertain", "sent"] }),
        sampleChange(record, 1, { state: "sent" }),
        sampleChange(record, 2, { state: "sent" }),
        sampleChange({ id: hexId() }, 0, { state: "sent" }),
        sampleChange(record, 0, { state: "failed" }, { publishCounts: [7] }),
        sampleChange(record, 0, { state: "failed" }, { nextAt: T0 + 1 }),
        sampleChange(record, 1, { state: "failed" }, { states: record.deliveries.map(({ state }) => state), nextAt: T0 }),
      ];
      assert.deepEqual(
        await store.notifications.change(changes),
        changes.map(() => false),
      );
      assert.deepEqual(await store.notifications.find(record.id), record);
    });

    test("changes a delivery that is still due when the writer believes, though it was leased meanwhile", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      assert.equal((await leaseDue(store.notifications, T0, T0 + 15_000, 10)).length, 1);
      const changes = [
        sampleChange(record, 0, { nextAt: T0 + 30_000 }, { nextAt: T0 }),
        sampleChange(record, 0, { nextAt: T0 + 1 }, { nextAt: T0 }),
        sampleChange(record, 0, { nextAt: T0 + 2 }, { nextAt: T0 + 30_000, publishCounts: [7] }),
      ];
      const applied: boolean[] = [];
      for (const change of changes) applied.push(...(await store.notifications.change([change])));
      assert.deepEqual(applied, [true, false, false]);
      assert.equal((await store.notifications.find(record.id))!.deliveries[0]!.nextAt, T0 + 30_000);
    });

    test("changes a delivery that was published as often as the writer believes", async (store) => {
      const record = sampleNotification([T0]);
      record.deliveries[0]!.publishCount = 3;
      await store.notifications.insert([record]);
      const changes = [
        sampleChange(record, 0, { nextAt: T0 + 1 }, { publishCounts: [2] }),
        sampleChange(record, 0, { nextAt: T0 + 2, publishCount: 4 }, { publishCounts: [2, 3] }),
        sampleChange(record, 0, { nextAt: T0 + 3 }, { publishCounts: [3] }),
      ];
      const applied: boolean[] = [];
      for (const change of changes) applied.push(...(await store.notifications.change([change])));
      assert.deepEqual(applied, [false, true, false]);
      const { nextAt, publishCount } = (await store.notifications.find(record.id))!.deliveries[0]!;
      assert.deepEqual([nextAt, publishCount], [T0 + 2, 4]);
    });

    test("returns for each of many changes whether it was applied", async (store) => {
      const records = Array.from({ length: 40 }, () => sampleNotification([T0]));
      await store.notifications.insert(records);
      const some = records.filter((_, i) => i % 3 === 0);
      await store.notifications.change(some.map((r) => sampleChange(r, 0, sent("early"))));
      const applied = await store.notifications.change(records.map((r) => sampleChange(r, 0, sent("late"))));
      assert.deepEqual(
        applied,
        records.map((_, i) => i % 3 !== 0),
      );
      const refs = await Promise.all(records.map(async (r) => (await store.notifications.find(r.id))?.deliveries[0]?.providerRef));
      assert.deepEqual(
        refs,
        records.map((_, i) => (i % 3 === 0 ? "early" : "late")),
      );
    });

    test("applies several changes to one notification in one call", async (store) => {
      const record = sampleNotification([T0, T0 + 1, T0 + 2]);
      await store.notifications.insert([record]);
      const applied = await store.notifications.change([0, 1, 2].map((i) => sampleChange(record, i, sent(`ref-${i}`))));
      assert.deepEqual(applied, [true, true, true]);
      const found = await store.notifications.find(record.id);
      assert.deepEqual(
        found?.deliveries.map((d) => [d.state, d.providerRef, d.nextAt]),
        [0, 1, 2].map((i) => ["sent", `ref-${i}`, undefined]),
      );
    });

    test("applies changes to one delivery in their order, each seeing the one before", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      const changes = [
        sampleChange(record, 0, { attempt: 2, nextAt: T0 + 10 }),
        sampleChange(record, 0, { attempt: 9 }),
        sampleChange(record, 0, sent("second"), { attempt: 2 }),
      ];
      assert.deepEqual(await store.notifications.change(changes), [true, false, true]);
      assert.equal((await store.notifications.find(record.id))?.deliveries[0]?.providerRef, "second");
    });

    test("rejects a change repeated after it was applied, and changes nothing", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      const change = sampleChange(record, 0, sent("ref"));
      assert.deepEqual(await store.notifications.change([change]), [true]);
      const after = await store.notifications.find(record.id);
      assert.deepEqual(await store.notifications.change([change]), [false]);
      assert.deepEqual(await store.notifications.find(record.id), after);
    });

    test("makes due the earliest of the deliveries' next moments", async (store) => {
      const record = sampleNotification([T0, T0 + 100, T0 + 50]);
      await store.notifications.insert([record]);
      const dueIs = async (due: number, until: number) => {
        assert.equal((await leaseDue(store.notifications, due - 1, until, 1)).length, 0, `not due before ${due - T0}`);
        assert.equal((await leaseDue(store.notifications, due, until, 1)).length, 1, `due at ${due - T0}`);
      };
      await dueIs(T0, T0 + 10);
      await store.notifications.change([sampleChange(record, 0, { nextAt: T0 + 70 })]);
      await dueIs(T0 + 50, T0 + 60);
      await store.notifications.change([sampleChange(record, 2, sent("ref"))]);
      await dueIs(T0 + 70, T0 + 80);
      await store.notifications.change([sampleChange(record, 0, sent("ref"))]);
      await dueIs(T0 + 100, T0 + 110);
    });

    test("is due no more once every delivery has ended", async (store) => {
      const record = sampleNotification([T0, T0]);
      await store.notifications.insert([record]);
      assert.equal(await store.notifications.openCount(10), 1);
      await store.notifications.change([0, 1].map((i) => sampleChange(record, i, sent("ref"))));
      assert.equal(await store.notifications.openCount(10), 0);
      assert.deepEqual(await leaseDue(store.notifications, T0 * 2, T0 * 3, 10), []);
    });

    test("applies each change for exactly one of several processes", async (store, url) => {
      const records = Array.from({ length: 150 }, () => sampleNotification([T0, undefined]));
      await store.notifications.insert(records);
      const workers = ["a", "b", "c"];
      const won = await runRace(
        url,
        workers.map((worker) => ({ kind: "change", worker, notificationIds: ids(records) })),
      );
      assert.deepEqual(won.flat().sort(), ids(records).sort());
      for (const [w, worker] of workers.entries())
        for (const id of won[w]!) assert.equal((await store.notifications.find(id))?.deliveries[0]?.providerRef, worker);
    });
  });
}
