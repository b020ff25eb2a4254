import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { sampleAttempt, sampleNotification } from "../../test/support/store/samples.ts";
import { notificationView } from "./notification.ts";

test("the timeline has several events of an attempt, and counts attempts: not the numbers used up without a call, and those before the shown ones apart", async () => {
  await using store = await openStore("sqlite::memory:");
  const now = await store.time();
  const n = sampleNotification([now + 60_000], { acceptedAt: now - 1_000, sendAt: now - 1_000, expiresAt: now + 60_000 });
  await store.notifications.insert([n]);
  const deliveryId = n.deliveries[0]!.id;
  const add = async (number: number) => {
    const attempt = sampleAttempt({ deliveryId, number, startedAt: now + number });
    await store.attempts.claim([attempt]);
    await store.attempts.record([
      { id: attempt.id, worker: attempt.worker, outcome: { kind: "unavailable", fault: { code: "http-503" } }, answeredAt: now + number },
    ]);
  };
  for (const number of [1, 2]) await add(number);
  await store.attempts.claim([
    {
      ...sampleAttempt({ deliveryId, number: 3, startedAt: now + 3 }),
      ...{ outcome: { kind: "void", state: "expired", reason: { code: "expired" } }, answeredAt: now + 3, provider: "" },
    },
  ]);
  const read = async () => (await notificationView(store, n.id, { name: "mira", role: "operator" }, now))!;
  const view = await read();
  const ofAttempts = view.events.flatMap(({ attempt }) => attempt || []);
  assert.deepEqual([ofAttempts.length, new Set(ofAttempts).size], [4, 2]);
  assert.deepEqual([view.deliveries[0]?.attempts, view.earlierAttempts], [2, 0]);
  assert.ok(view.events.some(({ title, attempt }) => title === "SMS: attempt 3 not made" && attempt === ""));
  for (let number = 4; number <= 501; number++) await add(number);
  const longer = await read();
  assert.deepEqual([longer.deliveries[0]?.attempts, longer.earlierAttempts], [500, 1]);
  assert.ok(
    longer.events.some(({ title }) => title === "SMS: attempt 2 begun") &&
      !longer.events.some(({ title }) => title.startsWith("SMS: attempt 1 ")),
  );
});
