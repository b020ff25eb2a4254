import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BatchSendNotificationsRequest,
  type BatchSendNotificationsResult,
  NotificationServiceClient,
  type NotificationServiceServer,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { createClient } from "../../runtime/grpc/client.ts";
import { startGrpcServer } from "../../runtime/grpc/server.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type LineResult, sendLines } from "./send.ts";

/** A gateway that answers each item by its key. */
async function sendTo(answer: (key: string) => BatchSendNotificationsResult, lines: string[], batch: number) {
  const calls: number[] = [];
  const unused = () => assert.fail("only batches are sent");
  const implementation: NotificationServiceServer = {
    batchSendNotifications({ request }, callback) {
      calls.push(BatchSendNotificationsRequest.encode(request).finish().length);
      callback(null, { results: request.notifications.map(({ idempotencyKey }) => answer(idempotencyKey)) });
    },
    ...{ sendNotification: unused, previewNotification: unused, getNotification: unused },
    ...{ listNotifications: unused, cancelNotifications: unused },
  };
  const services = [{ definition: NotificationServiceService, implementation, authenticate: () => undefined }];
  await using server = await startGrpcServer({ address: "127.0.0.1:0", services, reflection: false, log: createLogger("test", "silent") });
  using client = createClient(NotificationServiceClient, server.address, { token: "key" });
  const results: LineResult[] = [];
  await sendLines(lines, { client, batch, onResult: (result) => results.push(result) });
  return { calls, results: results.toSorted((a, b) => a.line - b.line) };
}
const accepted = (notificationId: string): BatchSendNotificationsResult => ({
  result: { $case: "accepted", value: { notificationId, acceptedAt: new Date(), deliveries: [], repeatedKey: false } },
});
const line = (key: string, text = "x") =>
  JSON.stringify({ key, endpoint: { emailAddress: "ann@example.com" }, category: "news", email: { subject: "s", text } });

test("lines that are too many bytes for one call are split over several", async () => {
  const lines = Array.from({ length: 40 }, (_, i) => line(`k${i}`, "x".repeat(500_000)));
  const { calls, results } = await sendTo(accepted, lines, 100);
  assert.deepEqual(
    results.map(({ notificationId }) => notificationId),
    lines.map((_, i) => `k${i}`),
  );
  assert.ok(calls.length >= 3 && Math.max(...calls) <= 8 * 1_024 ** 2, calls.join());
});

test("an item that a limit rejects is sent again after the time it names, and one without such a time is not", async () => {
  const asked = new Map<string, number>();
  const answer = (key: string): BatchSendNotificationsResult => {
    asked.set(key, (asked.get(key) ?? 0) + 1);
    const error = { code: 8, message: "at a limit", reason: "RATE_LIMITED", fields: [] };
    if (key === "limited" && asked.get(key) === 1)
      return { result: { $case: "error", value: { ...error, retryAfter: { seconds: 0, nanos: 5_000_000 } } } };
    return key === "final" ? { result: { $case: "error", value: { ...error, retryAfter: undefined } } } : accepted(key);
  };
  const { results } = await sendTo(
    answer,
    ["fine", "limited", "final"].map((key) => line(key)),
    10,
  );
  assert.deepEqual(Object.fromEntries(asked), { fine: 1, limited: 2, final: 1 });
  assert.deepEqual(
    results.map(({ notificationId, error }) => notificationId ?? error?.reason),
    ["fine", "limited", "RATE_LIMITED"],
  );
});
