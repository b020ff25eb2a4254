// Invalid requests get precise errors, and nothing is stored.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { notificationId } from "../../adapters/ids.ts";
import { DEV_APP } from "../../cli/dev/dev.ts";
import { type Clients, connectGateway } from "../../cli/gateway/connect.ts";
import { NotificationServiceClient } from "../../gen/carillon/v1/notification_service.ts";
import { createApiKey } from "../../operations/apps/api-key.ts";
import { grantApiKey, revokeKeys, setChannels } from "../../operations/apps/apps.ts";
import { createClient } from "../../runtime/grpc/client.ts";
import { readDetails } from "../../runtime/grpc/status.ts";
import { eventually } from "../support/eventually.ts";
import { freshNumber } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { notification, phone, register, rejectionOf, send, sendBatch, toEndpoint } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(async () => {
  await system?.[Symbol.asyncDispose]();
});

test("an empty batch and one of 1,001 items are rejected as a whole", async () => {
  const count = await system.stored();
  for (const [size, rule] of [
    [0, "repeated.min_items"],
    [1_001, "repeated.max_items"],
  ] as const) {
    const rejection = await rejectionOf(
      sendBatch(
        system,
        Array.from({ length: size }, () => notification()),
      ),
    );
    assert.equal(rejection.code, status.INVALID_ARGUMENT);
    assert.deepEqual(
      rejection.fields.map((f) => [f.field, f.rule]),
      [["notifications", rule]],
    );
  }
  assert.equal(await system.stored(), count);
});

test("an invalid item of a batch does not affect the others, and results keep their order", async () => {
  const items = [
    notification(),
    notification({ recipient: toEndpoint(phone("12")) }),
    notification(),
    notification({ category: "Not This" }),
  ];
  const results = await sendBatch(system, items);
  assert.deepEqual(
    results.map((r) => r?.$case),
    ["accepted", "error", "accepted", "error"],
  );
  for (const i of [0, 2]) {
    const result = results[i];
    assert.ok(result?.$case === "accepted");
    assert.equal(result.value.notificationId, notificationId(DEV_APP, items[i]!.idempotencyKey));
  }
  for (const [i, field] of [
    [1, "notifications[1].recipient.endpoint.phone_number"],
    [3, "notifications[3].category"],
  ] as const) {
    const result = results[i];
    assert.ok(result?.$case === "error");
    assert.equal(result.value.code, status.INVALID_ARGUMENT);
    assert.equal(result.value.reason, "INVALID_FIELD");
    assert.deepEqual(
      result.value.fields.map((f) => [f.field, f.rule]),
      [[field, "string.pattern"]],
    );
    assert.equal(await system.store.notifications.find(notificationId(DEV_APP, items[i]!.idempotencyKey)), undefined);
  }
});

test("without a key, with a wrong one, or for a channel the app may not use, nothing is stored", async () => {
  const count = await system.stored();
  using keyless = createClient(NotificationServiceClient, system.gatewayAddress);
  const noKey = await rejectionOf(send({ clients: { ...system.clients, notifications: keyless } }));
  assert.deepEqual([noKey.code, noKey.reason], [status.UNAUTHENTICATED, "UNAUTHENTICATED"]);

  using stranger = connectGateway(system.gatewayAddress, createApiKey().key);
  const wrongKey = await rejectionOf(send({ clients: stranger }));
  assert.deepEqual([wrongKey.code, wrongKey.reason], [status.UNAUTHENTICATED, "UNAUTHENTICATED"]);

  const { key } = await grantApiKey(system.store.apps, { id: "newsletter", channels: ["email"] });
  using newsletter = connectGateway(system.gatewayAddress, key);
  const forbidden = await rejectionOf(
    send({ clients: newsletter }, { idempotencyKey: "sms-1", recipient: toEndpoint(phone(freshNumber())) }),
  );
  assert.deepEqual([forbidden.code, forbidden.reason], [status.FAILED_PRECONDITION, "CHANNEL_NOT_ENABLED"]);
  assert.deepEqual(
    forbidden.fields.map((f) => f.field),
    ["notification.content"],
  );
  const named = await rejectionOf(send({ clients: newsletter }, { recipient: toEndpoint(phone(freshNumber())), channels: [4] }));
  assert.deepEqual([named.reason, named.fields[0]?.field], ["CHANNEL_NOT_ENABLED", "notification.channels"]);

  assert.equal(await system.stored(), count);
  assert.equal(await system.store.notifications.find(notificationId("newsletter", "sms-1")), undefined);
});

test("a running gateway stops admitting a revoked key, goes on with the app's other one, and obeys a channel that was taken away", async () => {
  const first = await grantApiKey(system.store.apps, { id: "leaky" });
  const second = await grantApiKey(system.store.apps, { id: "leaky" });
  using leaked = connectGateway(system.gatewayAddress, first.key);
  using kept = connectGateway(system.gatewayAddress, second.key);
  for (const clients of [leaked, kept]) await send({ clients });
  await revokeKeys(system.store.apps, "leaky", [first.keyId], Date.now());
  const isRejected = (clients: Clients, reason: string) => () =>
    send({ clients }).then(
      () => false,
      (error: unknown) => readDetails(error).reason === reason,
    );
  await eventually("the revoked key is rejected", isRejected(leaked, "UNAUTHENTICATED"));
  await send({ clients: kept });
  await setChannels(system.store.apps, "leaky", ["apns"]);
  await eventually("the channel is rejected", isRejected(kept, "CHANNEL_NOT_ENABLED"));
});

test("a user's 101st endpoint is rejected; registering one of the 100 again is not", async () => {
  const [first, ...more] = Array.from({ length: 100 }, () => phone(freshNumber()));
  assert.ok(first);
  await register(system, "collector", first);
  await Promise.all(more.map((endpoint) => register(system, "collector", endpoint)));
  const rejection = await rejectionOf(register(system, "collector", phone(freshNumber())));
  assert.deepEqual(
    [rejection.code, rejection.reason, rejection.fields[0]?.field],
    [status.FAILED_PRECONDITION, "TOO_MANY_ENDPOINTS", "user_id"],
  );
  await register(system, "collector", first);
  assert.equal((await system.store.contacts.list(DEV_APP, ["collector"])).length, 100);
});
