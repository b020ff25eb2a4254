import assert from "node:assert/strict";
import { test } from "node:test";
import { type Delivery, END_STATES, OPEN_STATES } from "../../core/delivery/notification.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { readDeliveryHistory } from "./delivery-history.ts";

const NOW = Date.UTC(2026, 10, 30, 14, 32, 6);

function historyOf(delivery: Partial<Delivery>, attempts: Partial<AttemptRecord>[] = []) {
  const notification = sampleNotification("key", NOW);
  const id = notification.deliveries[0]!.id;
  const record = { ...notification, deliveries: [{ ...notification.deliveries[0]!, ...delivery }] };
  const stored = attempts.map((attempt, i): AttemptRecord => {
    const own = { id: `${id}/${i + 1}`, deliveryId: id, number: i + 1, worker: "w", provider: "twilio" };
    return { ...own, startedAt: NOW + 10 * (i + 1), deadlineAt: NOW + 5_000, ...attempt };
  });
  const store = {
    notifications: { find: async (wanted: string) => (wanted === notification.id ? record : undefined) },
    attempts: { find: async (ids: readonly string[]) => stored.filter((attempt) => ids.includes(attempt.id)) },
  };
  return { id, read: (wanted = id) => readDeliveryHistory(store, wanted) };
}
const titles = (history: Awaited<ReturnType<typeof readDeliveryHistory>>) => history?.events.map(({ title }) => title);

test("tells the attempts with their answers, and the receipt", async () => {
  const history = await historyOf({ state: "delivered", attempt: 2, endedAt: NOW + 90 }, [
    { outcome: { kind: "unavailable", fault: { code: "http-503" } }, answeredAt: NOW + 14 },
    { outcome: { kind: "accepted", providerRef: "r" }, answeredAt: NOW + 27 },
  ]).read();
  assert.deepEqual([history?.userId, history?.idempotencyKey, history?.state.word], ["ada", "key", "Delivered"]);
  assert.deepEqual(
    history?.events.map(({ title, detail, mark }) => [title, detail, mark]),
    [
      ["Accepted and stored", "By the gateway, for app app, category orders.", ""],
      ["Attempt 1 begun", "By twilio.", ""],
      ["Attempt 1: not sent, the provider failed (http-503)", "After 4 ms.", "bad"],
      ["Attempt 2 begun", "By twilio.", ""],
      ["Attempt 2: accepted", "After 7 ms.", "ok"],
      ["Receipt taken: delivered", "", "ok"],
    ],
  );
});

test("tells a doubt and what resolved it, an attempt that was not made, and why it ended", async () => {
  const history = await historyOf({ state: "expired", attempt: 2, endedAt: NOW + 90, reason: { code: "expired" } }, [
    {
      outcome: { kind: "unanswered", fault: { code: "deadline" } },
      answeredAt: NOW + 14,
      resolution: { outcome: { kind: "unavailable", fault: { code: "not-found" } }, by: "status-query", at: NOW + 50 },
    },
    { provider: "", outcome: { kind: "void", state: "expired", reason: { code: "expired" } }, answeredAt: NOW + 90 },
  ]).read();
  assert.deepEqual(titles(history), [
    "Accepted and stored",
    "Attempt 1 begun",
    "Attempt 1: no answer (deadline)",
    "Attempt 1 resolved: not sent, the provider failed (not-found)",
    "Attempt 2 not made",
    "Ended: expired",
  ]);
});

test("has words for every state, says what is waited for, and knows no other delivery", async () => {
  for (const state of [...OPEN_STATES, ...END_STATES]) assert.ok((await historyOf({ state }).read())?.state.sentence, state);
  const waiting = await historyOf({ state: "pending", nextAt: NOW + 30_000, reason: { code: "unavailable", detail: "http-503" } }).read();
  assert.equal(
    waiting?.state.sentence,
    "It waits for its next attempt. Reason: unavailable: http-503. It is looked at again at 14:32:36 UTC.",
  );
  const { id, read } = historyOf({});
  assert.equal(await read(`${id}9`), undefined);
  assert.equal(await read("f".repeat(32)), undefined);
});
