import assert from "node:assert/strict";
import { describe } from "node:test";
import { type CancelledDelivery, cancelNotifications } from "../../../core/delivery/cancel.ts";
import { cancelReason, cancelSelection } from "../../../core/delivery/cancel-page.ts";
import type { NotificationRecord } from "../../../core/delivery/notification.ts";
import { attemptId } from "../../../core/ports/attempt-store.ts";
import { FIRST_PLACE } from "../../../core/ports/notification-store.ts";
import type { Store } from "../../../core/ports/store.ts";
import { ignoreEvents } from "../changes.ts";
import { ids, sampleAttempt, sampleChange, sampleNotification, sent, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const HOW = { reason: cancelReason({ actor: "agent 7", text: "order withdrawn" }), now: T0 + 7 };

const outcomes = (cancelled: readonly CancelledDelivery[]) => cancelled.map(({ outcome, delivery }) => [outcome, delivery.state]);

async function cancel(store: Store, { id }: NotificationRecord): Promise<CancelledDelivery[]> {
  const record = await store.notifications.find(id);
  return cancelNotifications({ store, recorder: ignoreEvents }, record ? [record] : [], HOW);
}

const attemptsOf = async (store: Store, { id }: NotificationRecord) =>
  (await store.attempts.between(id, id)).map(({ number, outcome }) => [number, outcome?.kind === "void" ? outcome.state : outcome?.kind]);

export function describeCancelling(name: string, test: StoreTest): void {
  describe(`${name}: cancelling`, () => {
    test("what was not claimed is cancelled, and no copy of its task can claim it any more", async (store) => {
      const record = sampleNotification([T0, T0 + 5, undefined]);
      await store.notifications.insert([record]);
      const expected = [
        ["cancelled", "cancelled"],
        ["cancelled", "cancelled"],
        ["too-late", "suppressed"],
      ];
      assert.deepEqual(outcomes(await cancel(store, record)), expected);
      assert.deepEqual(await store.attempts.claim([sampleAttempt({ deliveryId: `${record.id}-0` })]), [false]);
      const found = await store.notifications.find(record.id);
      assert.deepEqual(found?.deliveries[0]?.reason, { code: "cancelled", detail: "agent 7: order withdrawn" });
      assert.deepEqual([found.deliveries[0]?.endedAt, found.deliveries[0]?.nextAt], [HOW.now, undefined]);
      assert.equal(await store.notifications.openCount(10), 0);
      assert.deepEqual(outcomes(await cancel(store, record)), expected, "repeated, it answers the same");
    });

    test("what a worker has claimed is in flight, and no attempt follows it", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      const [attempt, next] = [1, 2].map((number) => sampleAttempt({ deliveryId: `${record.id}-0`, number }));
      await store.attempts.claim([attempt!]);
      for (let calls = 0; calls < 2; calls++) assert.deepEqual(outcomes(await cancel(store, record)), [["in-flight", "pending"]]);
      assert.deepEqual(await store.attempts.claim([next!]), [false]);
      // The provider did not take it, and its dispatcher wants to try again.
      await store.attempts.record([
        { id: attempt!.id, worker: attempt!.worker, outcome: { kind: "unavailable", fault: { code: "reset" } }, answeredAt: T0 },
      ]);
      assert.deepEqual(outcomes(await cancel(store, record)), [["in-flight", "pending"]]);
      await store.notifications.change([sampleChange(record, 0, { attempt: 2, publishCount: 0, nextAt: T0 + 9 })]);
      assert.deepEqual(outcomes(await cancel(store, record)), [["cancelled", "cancelled"]]);
      assert.deepEqual(await attemptsOf(store, record), [
        [1, "unavailable"],
        [2, "cancelled"],
      ]);
    });

    test("what is in doubt stays so, and is not repeated", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      const attempt = sampleAttempt({ deliveryId: `${record.id}-0`, outcome: { kind: "unanswered", fault: { code: "reset" } } });
      await store.attempts.claim([attempt]);
      await store.notifications.change([sampleChange(record, 0, { state: "uncertain", uncertainSince: T0, nextAt: T0 + 9 })]);
      for (let calls = 0; calls < 2; calls++) assert.deepEqual(outcomes(await cancel(store, record)), [["in-doubt", "uncertain"]]);
      assert.deepEqual(await attemptsOf(store, record), [
        [1, "unanswered"],
        [2, "cancelled"],
      ]);
      // The policy repeats it; the number is closed.
      const repeated = { state: "pending", attempt: 2, policyResend: true, nextAt: T0 + 10 } as const;
      await store.notifications.change([sampleChange(record, 0, repeated, { states: ["uncertain"] })]);
      for (let calls = 0; calls < 2; calls++) assert.deepEqual(outcomes(await cancel(store, record)), [["in-doubt", "failed"]]);
      assert.deepEqual((await store.notifications.find(record.id))?.deliveries[0]?.reason, { code: "outcome-unknown" });
    });

    test("what follows an attempt of unknown outcome, by policy or by a redrive, ends as unknown, or as sent where that became known", async (store) => {
      const repeating = { attempt: 2, policyResend: true } as const;
      const redriven = { attempt: 2, redrive: 1, runStart: 2 } as const;
      const records = [repeating, repeating, redriven].map((earlier) => {
        const record = sampleNotification([T0]);
        Object.assign(record.deliveries[0]!, earlier);
        return record;
      });
      await store.notifications.insert(records);
      const unanswered = { kind: "unanswered", fault: { code: "reset" } } as const;
      await store.attempts.claim(records.map(({ id }) => sampleAttempt({ deliveryId: `${id}-0`, outcome: unanswered })));
      const outcome = { kind: "accepted", providerRef: "ref" } as const;
      await store.attempts.resolve([{ id: attemptId(`${records[1]!.id}-0`, 1), resolution: { outcome, by: "receipt", at: T0 } }]);
      assert.deepEqual(outcomes(await cancel(store, records[0]!)), [["in-doubt", "failed"]]);
      assert.deepEqual(outcomes(await cancel(store, records[1]!)), [["too-late", "sent"]]);
      assert.deepEqual(outcomes(await cancel(store, records[2]!)), [["in-doubt", "failed"]]);
    });

    test("what has ended is too late, in the state that it has", async (store) => {
      const record = sampleNotification([T0, T0]);
      await store.notifications.insert([record]);
      await store.notifications.change([sampleChange(record, 0, sent("ref"))]);
      const expected = [
        ["too-late", "sent"],
        ["cancelled", "cancelled"],
      ];
      assert.deepEqual(outcomes(await cancel(store, record)), expected);
    });

    test("wherever it is interrupted, the next call finishes it", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      const died = async (): Promise<never> => {
        throw new Error("died");
      };
      const dying = { attempts: store.attempts, notifications: { ...store.notifications, change: died } };
      await assert.rejects(cancelNotifications({ store: dying, recorder: ignoreEvents }, [record], HOW), /died/);
      assert.equal((await store.notifications.find(record.id))?.deliveries[0]?.state, "pending");
      assert.deepEqual(await attemptsOf(store, record), [[1, "cancelled"]]);
      assert.deepEqual(outcomes(await cancel(store, record)), [["cancelled", "cancelled"]]);
    });

    test("what went on to its next attempt since it was read is cancelled with that", async (store) => {
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      const outcome = { kind: "unavailable", fault: { code: "reset" } } as const;
      await store.attempts.claim([sampleAttempt({ deliveryId: `${record.id}-0`, outcome })]);
      await store.notifications.change([sampleChange(record, 0, { attempt: 2, publishCount: 0, nextAt: T0 + 9 })]);
      assert.deepEqual(outcomes(await cancelNotifications({ store, recorder: ignoreEvents }, [record], HOW)), [["cancelled", "cancelled"]]);
    });

    test("of many callers and workers one wins each delivery", async (store) => {
      const records = Array.from({ length: 30 }, () => sampleNotification([T0]));
      await store.notifications.insert(records);
      const claims = records.map(({ id }) => sampleAttempt({ deliveryId: `${id}-0` }));
      const [first, claimed, second] = await Promise.all([
        cancelNotifications({ store, recorder: ignoreEvents }, records, HOW),
        Promise.all(claims.map(async (claim) => (await store.attempts.claim([claim]))[0])),
        cancelNotifications({ store, recorder: ignoreEvents }, records, HOW),
      ]);
      for (const [i, { outcome }] of first.entries()) {
        assert.equal(outcome, claimed[i] ? "in-flight" : "cancelled");
        assert.equal(second[i]?.outcome, outcome);
      }
    });
  });

  describe(`${name}: what is open of a user and under a cancel key`, () => {
    const to = (userId: string, cancelKey: string | undefined, acceptedAt: number, over: Partial<NotificationRecord> = {}) =>
      sampleNotification([T0], { recipient: { kind: "user", userId }, acceptedAt, ...(cancelKey && { cancelKey }), ...over });

    test("is found by key, by user and by both, in the order of acceptance, without what has ended or is another app's", async (store) => {
      const [a, b, c, d] = [to("ada", "k", T0 + 3), to("ada", undefined, T0 + 1), to("bob", "k", T0 + 2), to("ada", "other", T0)];
      const ended = to("ada", "k", T0 + 4);
      await store.notifications.insert([a, b, c, d, ended, to("ada", "k", T0, { app: "bank" })]);
      await store.notifications.change([sampleChange(ended, 0, sent("ref"))]);
      const found = async (selection: Parameters<Store["notifications"]["openOf"]>[1], after = FIRST_PLACE, limit = 10) => {
        const records = await store.notifications.openOf("shop", selection, after, limit);
        assert.equal(await store.notifications.countOpenOf("shop", selection, after, limit), records.length);
        return ids(records);
      };
      assert.deepEqual(await found({ cancelKey: "k" }), ids([c, a]));
      assert.deepEqual(await found({ userId: "ada" }), ids([d, b, a]));
      assert.deepEqual(await found({ userId: "ada", cancelKey: "k" }), ids([a]));
      assert.deepEqual(await found({ userId: "ada" }, d, 1), ids([b]));
      for (const none of [0, -1]) assert.deepEqual(await store.notifications.openOf("shop", { userId: "ada" }, FIRST_PLACE, none), []);
      assert.deepEqual(await found({ userId: "nobody" }), []);
    });

    test("is cancelled page by page, and the answer says how much is left", async (store) => {
      const records = Array.from({ length: 120 }, (_, i) => to("ada", "k", T0 + (i % 7)));
      await store.notifications.insert(records);
      const parts = { store, recorder: ignoreEvents };
      const at = { app: "shop", selection: { cancelKey: "k" }, after: FIRST_PLACE };
      const first = await cancelSelection(parts, at, HOW, () => false);
      assert.deepEqual([first.deliveries.length, first.remaining], [50, 70]);
      const rest = await cancelSelection(parts, { ...at, after: first.next! }, HOW, () => true);
      assert.deepEqual([rest.deliveries.length, rest.remaining, rest.next], [70, 0, undefined]);
      assert.equal(new Set([...first.deliveries, ...rest.deliveries].map(({ delivery }) => delivery.id)).size, 120);
      assert.equal(await store.notifications.countOpenOf("shop", { cancelKey: "k" }, FIRST_PLACE, 1_000), 0);
    });
  });
}
