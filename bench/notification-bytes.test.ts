import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchSendNotificationsRequest, SendNotificationRequest } from "../gen/carillon/v1/notification_service.ts";
import { createRequests, pushNotification } from "./notification-bytes.ts";

test("every request holds different notifications, encoded as the contract says", () => {
  const one = createRequests(0, 998);
  for (const n of [998, 999, 1_000]) assert.deepEqual(SendNotificationRequest.decode(one()).notification, pushNotification(n));
  const three = createRequests(3, 99);
  assert.deepEqual(
    BatchSendNotificationsRequest.decode(three()).notifications,
    [99, 100, 101].map((n) => pushNotification(n)),
  );
  assert.deepEqual(
    BatchSendNotificationsRequest.decode(three()).notifications,
    [102, 103, 104].map((n) => pushNotification(n)),
  );
});
