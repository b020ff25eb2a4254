import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Delivery } from "../core/delivery/notification.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import { type AttemptRecord, attemptId } from "../core/ports/attempt-store.ts";
import type { Store } from "../core/ports/store.ts";
import { GetNotificationResponse } from "../gen/carillon/v1/notification_service.ts";
import { isCallError } from "../runtime/call-error.ts";
import { handlerParts } from "../test/support/handler-parts.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { ATTEMPTS_SHOWN_MAX } from "./answer.ts";
import { createNotificationHandlers } from "./notification-handlers.ts";

const NOW = Date.UTC(2026, 0, 5, 12);
const DAY_MS = 86_400_000;

/** What a provider was asked 5,400 times, and each time answered with a long code. */
const attemptOf = (id: string, number: number): AttemptRecord => ({
  ...{ id, deliveryId: id.slice(0, id.indexOf("/")), number, worker: "w", provider: "mandrill" },
  ...{ startedAt: NOW + number, deadlineAt: NOW + number + 1, answeredAt: NOW + number + 1 },
  outcome: { kind: "unavailable", fault: { code: "x".repeat(200) } },
});

/** GetNotification of one that has these deliveries, each with `attempts` of them; `asked` holds the ids that the store was asked for. */
async function get(deliveries: number, attempts: number, find?: Store["attempts"]["find"]) {
  const sample = sampleNotification("k", NOW, { expiresAt: NOW + 28 * DAY_MS });
  const many = Array.from(
    { length: deliveries },
    (_, i): Delivery => ({ ...sample.deliveries[0]!, id: `${sample.id}-${i}`, attempt: attempts }),
  );
  const asked: string[] = [];
  const stored: Store["attempts"]["find"] = async (ids) => {
    asked.push(...ids);
    return ids.map((id) => attemptOf(id, Number(id.split("/")[1]))).reverse();
  };
  const notifications = { find: async () => ({ ...sample, deliveries: many }) };
  const store = { notifications, attempts: { find: find ?? stored } } as unknown as Store;
  const unused = () => assert.fail("nothing is accepted");
  const { getNotification } = createNotificationHandlers({ accept: unused, published: unused }, handlerParts(store));
  const caller: AppRecord = { id: sample.app, channels: [], limits: {}, keys: [], version: 1 };
  const context = { caller, signal: new AbortController().signal, deadlineAt: NOW + 10_000, traceparent: undefined };
  return { answer: await getNotification({ notificationId: sample.id }, context), asked, id: sample.id };
}

test("GetNotification shows the newest attempts of a delivery, in their order", async () => {
  const { answer, asked, id } = await get(1, 5_400);
  assert.ok(!isCallError(answer));
  const newest = Array.from({ length: ATTEMPTS_SHOWN_MAX }, (_, i) => 5_400 - ATTEMPTS_SHOWN_MAX + 1 + i);
  assert.deepEqual(
    answer.deliveries[0]?.attempts.map(({ number }) => number),
    newest,
  );
  assert.deepEqual(
    asked,
    newest.map((number) => attemptId(`${id}-0`, number)),
    "nothing more is read",
  );
});

test("the contract names the number", () => {
  const contract = readFileSync(new URL("../proto/carillon/v1/notification_service.proto", import.meta.url), "utf8");
  assert.match(contract, new RegExp(`The newest ${ATTEMPTS_SHOWN_MAX}, by number`));
});

test("a few attempts are shown whole", async () => {
  const { answer } = await get(2, 3);
  assert.ok(!isCallError(answer));
  assert.deepEqual(
    answer.deliveries.map(({ attempts }) => attempts.map(({ number }) => number)),
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  );
});

test("the largest answer is a quarter of what a client takes unless told otherwise", async () => {
  const { answer } = await get(100, 5_400);
  assert.ok(!isCallError(answer));
  const bytes = GetNotificationResponse.encode(answer).finish().length;
  assert.ok(bytes > 400_000 && bytes < 1_048_576, `${bytes}`);
});

test("where the attempts cannot be read, the call may be repeated", async () => {
  const { answer } = await get(1, 1, () => Promise.reject(new Error("away")));
  assert.ok(isCallError(answer));
  assert.equal(answer.code, "UNAVAILABLE");
});
