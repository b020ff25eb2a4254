import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchSendNotificationsRequest, SendNotificationRequest } from "../gen/carillon/v1/notification_service.ts";
import { createRequests, pushNotification } from "./notification-bytes.ts";

/** As the decoder makes it: maps have no prototype. */
const decoded = (n: number) =>
  SendNotificationRequest.decode(SendNotificationRequest.encode({ notification: pushNotification(n), validateOnly: false }).finish())
    .notification;

test("every request holds different notifications, encoded as the contract says", () => {
  const one = createRequests(0, 998);
  for (const n of [998, 999, 1_000]) assert.deepEqual(SendNotificationRequest.decode(one()).notification, decoded(n));
  const three = createRequests(3, 99);
  assert.deepEqual(BatchSendNotificationsRequest.decode(three()).notifications, [99, 100, 101].map(decoded));
  assert.deepEqual(BatchSendNotificationsRequest.decode(three()).notifications, [102, 103, 104].map(decoded));
});

test("a tagged request holds its number in the push as well", () => {
  const next = createRequests(2, 99, undefined, { isTagged: true, sendAt: 1_000 });
  const { notifications } = BatchSendNotificationsRequest.decode(next());
  assert.deepEqual(
    notifications.map((n) => [Number(n.content?.push?.data.order), n.idempotencyKey, n.sendAt?.getTime()]),
    [
      [99, `bench-${"99".padStart(16, "0")}`, 1_000],
      [100, `bench-${"100".padStart(16, "0")}`, 1_000],
    ],
  );
});
