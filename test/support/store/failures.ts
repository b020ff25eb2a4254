import assert from "node:assert/strict";
import { describe } from "node:test";
import type { NotificationRecord } from "../../../core/delivery/notification.ts";
import type { DeliveryChange } from "../../../core/ports/notification-store.ts";
import type { Store } from "../../../core/ports/store.ts";
import { leaseDue } from "../lease-due.ts";
import { ids, sampleChange, sampleNotification, sent, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

/** More than a store reads at once. */
const MANY = 450;

const failed = (endedAt: number): DeliveryChange["set"] => ({
  state: "failed",
  reason: { code: "rejected", detail: "$x" },
  nextAt: undefined,
  endedAt,
});
const redriven = (attempt: number): DeliveryChange["set"] => ({
  ...{ state: "pending", attempt, runStart: attempt, publishCount: 0, redrive: 1, nextAt: T0 + 50, expiresAt: T0 + 99 },
  ...{ endedAt: undefined, reason: undefined, uncertainSince: undefined, policyResend: undefined, providerRef: undefined },
});

/** Notifications of which delivery 0 failed at each moment. */
async function failedAt(store: Store, moments: readonly number[], deliveries = 1): Promise<NotificationRecord[]> {
  const records = moments.map(() => sampleNotification(Array.from({ length: deliveries }, () => T0)));
  await store.notifications.insert(records);
  await store.notifications.change(records.map((record, i) => sampleChange(record, 0, failed(moments[i]!))));
  return records;
}

const read = async (store: Store, from: number, to: number) => ids(await Array.fromAsync(store.notifications.failed(from, to)));
const redrive = (record: NotificationRecord, index = 0): DeliveryChange => sampleChange(record, index, redriven(2), { states: ["failed"] });

export function describeFailures(name: string, test: StoreTest): void {
  describe(`${name}: failures`, () => {
    test("gives what failed from a moment on and before another, the earliest first, as it is now", async (store) => {
      const [c, a, before, b, at] = await failedAt(store, [T0 + 30, T0 + 10, T0 + 9, T0 + 20, T0 + 40]);
      await store.notifications.insert([sampleNotification([T0]), sampleNotification([undefined])]);
      const found = await Array.fromAsync(store.notifications.failed(T0 + 10, T0 + 40));
      assert.deepEqual(ids(found), ids([a!, b!, c!]));
      assert.deepEqual(found[0], await store.notifications.find(a!.id));
      assert.deepEqual(await read(store, T0, T0 + 10), ids([before!]));
      assert.deepEqual(await read(store, T0 + 40, T0 + 41), ids([at!]));
      assert.deepEqual(await read(store, 0, Number.MAX_SAFE_INTEGER), ids([before!, a!, b!, c!, at!]));
      assert.deepEqual(await read(store, T0 + 41, T0 + 99), []);
    });

    test("gives what was inserted as failed", async (store) => {
      const record = sampleNotification([undefined]);
      Object.assign(record.deliveries[0]!, { state: "failed", reason: { code: "outcome-unknown" } });
      await store.notifications.insert([record]);
      assert.deepEqual(await Array.fromAsync(store.notifications.failed(T0, T0 + 1)), [record]);
    });

    test("gives a notification once whose deliveries failed at several moments, within each of them", async (store) => {
      const record = sampleNotification([T0, T0, T0]);
      await store.notifications.insert([record]);
      await store.notifications.change([sampleChange(record, 1, failed(T0 + 30)), sampleChange(record, 0, failed(T0 + 10))]);
      await store.notifications.change([sampleChange(record, 2, sent("ref"))]);
      assert.deepEqual(await read(store, T0, T0 + 99), [record.id]);
      assert.deepEqual(await read(store, T0 + 10, T0 + 11), [record.id]);
      assert.deepEqual(await read(store, T0 + 30, T0 + 31), [record.id]);
      assert.deepEqual(await read(store, T0 + 11, T0 + 30), []);
    });

    test("gives no longer what was redriven, and again what then failed again", async (store) => {
      const [record] = (await failedAt(store, [T0 + 10])) as [NotificationRecord];
      assert.deepEqual(await store.notifications.change([redrive(record)]), [true]);
      assert.deepEqual(await read(store, 0, T0 * 2), []);
      const delivery = (await store.notifications.find(record.id))?.deliveries[0];
      const { endpoint, ...rest } = delivery!;
      assert.deepEqual(rest, {
        ...{ id: `${record.id}-0`, channel: "sms", state: "pending", attempt: 2, publishCount: 0, nextAt: T0 + 50 },
        ...{ runStart: 2, redrive: 1, expiresAt: T0 + 99 },
      });
      assert.deepEqual(ids(await leaseDue(store.notifications, T0 + 50, T0 + 60, 1)), [record.id]);
      await store.notifications.change([sampleChange(record, 0, failed(T0 + 70), { attempt: 2 })]);
      assert.deepEqual(await read(store, 0, T0 + 70), []);
      assert.deepEqual(await read(store, T0 + 70, T0 + 71), [record.id]);
    });

    test("still gives what of it remains failed after another delivery was redriven, or ended otherwise after all", async (store) => {
      const records = await failedAt(store, [T0 + 10, T0 + 10], 2);
      await store.notifications.change(records.map((record) => sampleChange(record, 1, failed(T0 + 30))));
      const arrived = sampleChange(records[1]!, 1, sent("ref"), { states: ["failed"] });
      assert.deepEqual(await store.notifications.change([redrive(records[0]!, 1), arrived]), [true, true]);
      assert.deepEqual((await read(store, T0 + 10, T0 + 11)).sort(), ids(records).sort());
      assert.deepEqual(await read(store, T0 + 11, T0 + 99), []);
      const late = sampleChange(records[1]!, 0, sent("ref"), { states: ["failed"] });
      assert.deepEqual(await store.notifications.change([redrive(records[0]!), late]), [true, true]);
      assert.deepEqual(await read(store, 0, T0 * 2), []);
    });

    test("gives more than it reads at once, also of one moment, each once and in order", async (store) => {
      const moments = Array.from({ length: MANY }, (_, i) => T0 + (i % 2 ? 10 : 20));
      const records = await failedAt(store, moments);
      const found = await read(store, T0, T0 + 99);
      assert.deepEqual(found.toSorted(), ids(records).sort());
      const early = new Set(ids(records.filter((_, i) => i % 2)));
      assert.ok(found.slice(0, early.size).every((id) => early.has(id)));
    });

    test("neither misses nor repeats what fails further while it is read", async (store) => {
      const records = await failedAt(
        store,
        Array.from({ length: MANY }, (_, i) => T0 + i),
        2,
      );
      const seen: string[] = [];
      for await (const { id } of store.notifications.failed(T0, T0 + MANY)) {
        seen.push(id);
        // One that was read and one that was not yet, each within what is read and beyond it.
        const further = [0, 1, MANY - 2, MANY - 1].map((i) => sampleChange(records[i]!, 1, failed(i % 2 ? T0 + MANY - 1 : T0 * 2)));
        if (seen.length === 2) assert.deepEqual(await store.notifications.change(further), [true, true, true, true]);
      }
      assert.deepEqual(seen.toSorted(), ids(records).sort());
    });

    test("misses nothing that a redrive of its latest failure leaves failed while it is read", async (store) => {
      const records = await failedAt(
        store,
        Array.from({ length: MANY }, (_, i) => T0 + i),
        2,
      );
      const last = records.at(-1)!;
      await store.notifications.change([sampleChange(records[0]!, 1, failed(T0 + MANY))]);
      const seen: string[] = [];
      for await (const { id } of store.notifications.failed(T0, T0 * 2)) {
        seen.push(id);
        // What is left of the first failed before everything read so far.
        if (seen.length === 2) await store.notifications.change([redrive(records[0]!, 1), redrive(last)]);
      }
      assert.deepEqual(seen.toSorted(), ids(records.slice(0, -1)).sort());
    });
  });
}
