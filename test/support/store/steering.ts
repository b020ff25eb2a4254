import assert from "node:assert/strict";
import { describe } from "node:test";
import type { OperatorAction } from "../../../core/ports/steering-store.ts";
import type { SteeringRecord } from "../../../core/steering/steering.ts";
import { byId, ids, sampleChange, sampleNotification, sent, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const record = (over: Partial<SteeringRecord> = {}): SteeringRecord => ({
  ...{ target: { kind: "channel", value: "sms" }, state: "paused", actor: "ada", reason: "$the.provider", at: T0 },
  ...over,
});
export const sampleAction = (id: string, over: Partial<OperatorAction> = {}): OperatorAction => ({
  ...{ id, at: T0, actor: "ada", action: "pause", target: "channel:sms", reason: "an incident" },
  ...over,
});

const action = sampleAction;

export function describeSteering(name: string, test: StoreTest): void {
  describe(`${name}: what operators pause, and their log`, () => {
    test("keeps one record a target, the last one", async (store) => {
      const other = record({ target: { kind: "account", value: "twilio/eu" }, state: "drained", to: "vonage", until: T0 + 5 });
      await store.steering.put(record());
      await store.steering.put(other);
      const resumed = record({ state: "resumed", at: T0 + 1, reason: "it is back" });
      await store.steering.put(resumed);
      assert.deepEqual(await store.steering.list(), [other, resumed]);
    });

    test("replaces a record only if it is the one that it should be", async (store) => {
      assert.equal(await store.steering.put(record(), { at: T0 }), false, "there is none");
      assert.deepEqual(await store.steering.list(), []);
      assert.equal(await store.steering.put(record(), { at: undefined }), true);
      const resumed = record({ state: "resumed", at: T0 + 1 });
      for (const at of [undefined, T0 - 1]) assert.equal(await store.steering.put(resumed, { at }), false);
      assert.deepEqual(await store.steering.list(), [record()]);
      assert.equal(await store.steering.put(resumed, { at: T0 }), true);
      assert.deepEqual(await store.steering.list(), [resumed]);
    });

    test("removes a record only if it is still the same", async (store) => {
      await store.steering.put(record({ at: T0 + 1 }));
      assert.equal(await store.steering.remove(record({ at: T0 })), false);
      assert.equal((await store.steering.list()).length, 1);
      assert.equal(await store.steering.remove(record({ at: T0 + 1 })), true);
      assert.equal(await store.steering.remove(record({ at: T0 + 1 })), false);
      assert.deepEqual(await store.steering.list(), []);
    });

    test("lists actions page by page, the newest first; a result replaces what was begun", async (store) => {
      for (const id of ["b", "a", "c"]) await store.steering.log(action(id));
      await store.steering.log(action("c", { result: "paused" }));
      const first = await store.steering.actions(undefined, 2);
      assert.deepEqual(first, [action("c", { result: "paused" }), action("b")]);
      assert.deepEqual(await store.steering.actions("b", 2), [action("a")]);
      assert.deepEqual(await store.steering.actions(undefined, 0), []);
    });

    test("lists actions of a kind, the newest first, also of one target alone", async (store) => {
      const redrive = (id: string, target: string) => action(id, { action: "redrive-group", target });
      for (const one of [redrive("a", "sms rejected"), action("b"), redrive("c", "email expired"), redrive("d", "sms rejected")])
        await store.steering.log(one);
      // What many others did meanwhile hides none of them.
      for (let i = 0; i < 300; i++) await store.steering.log(action(`e${i}`, { action: "redrive", target: `${i}` }));
      const found = async (target: string | undefined, limit: number) =>
        ids(await store.steering.actionsOf("redrive-group", target, limit));
      assert.deepEqual(await found(undefined, 9), ["d", "c", "a"]);
      assert.deepEqual(await found(undefined, 2), ["d", "c"]);
      assert.deepEqual(await found("sms rejected", 9), ["d", "a"]);
      assert.deepEqual([await found("sms", 9), await found(undefined, 0)], [[], []]);
      await store.steering.log({ ...redrive("a", "sms rejected"), result: "1 redriven" });
      assert.deepEqual(await store.steering.actionsOf("redrive-group", "sms rejected", 9), [
        redrive("d", "sms rejected"),
        { ...redrive("a", "sms rejected"), result: "1 redriven" },
      ]);
      assert.deepEqual(await store.steering.findAction("c"), redrive("c", "email expired"));
      assert.equal(await store.steering.findAction("cc"), undefined);
    });

    test("purges the oldest actions, as many as asked", async (store) => {
      for (const [i, id] of ["a", "b", "c"].entries()) await store.steering.log(action(id, { at: T0 + i }));
      assert.equal(await store.steering.purgeActions(T0 + 2, 1), 1);
      assert.deepEqual(ids(await store.steering.actions(undefined, 9)), ["c", "b"]);
      assert.equal(await store.steering.purgeActions(T0 + 2, 9), 1);
      assert.deepEqual(ids(await store.steering.actions(undefined, 9)), ["c"]);
    });
  });

  describe(`${name}: open notifications`, () => {
    test("reads all of a class that have not ended, however many pages they are", async (store) => {
      const open = Array.from({ length: 450 }, (_, i) => sampleNotification([T0 + (i % 7)]));
      const others = [sampleNotification([T0], { notificationClass: "critical" }), sampleNotification([undefined])];
      const ended = sampleNotification([T0]);
      await store.notifications.insert([...open, ...others, ended]);
      await store.notifications.change([sampleChange(ended, 0, sent("ref"))]);
      const read = await Array.fromAsync(store.notifications.open("transactional"));
      assert.deepEqual(ids(byId(read)), ids(byId(open)));
      assert.deepEqual(byId(read)[0], byId(open)[0]);
    });

    test("goes on while what it has given is changed", async (store) => {
      const open = Array.from({ length: 450 }, () => sampleNotification([T0 + 1_000]));
      await store.notifications.insert(open);
      const seen = new Set<string>();
      for await (const n of store.notifications.open("transactional")) {
        seen.add(n.id);
        await store.notifications.change([sampleChange(n, 0, { nextAt: T0 })]);
      }
      assert.equal(seen.size, open.length);
    });
  });
}
