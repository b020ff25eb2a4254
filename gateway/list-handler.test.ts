import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { notificationId } from "../adapters/ids.ts";
import type { AppRecord } from "../core/apps/app.ts";
import { Channel } from "../gen/carillon/v1/channel.ts";
import { DeliveryState, ListNotificationsRequest, NotificationClass, WaitingFor } from "../gen/carillon/v1/notification_service.ts";
import { isCallError } from "../runtime/call-error.ts";
import { type AcceptWorld, CALLING_APP, createAcceptWorld, smsMessage } from "../test/support/accept-world.ts";
import { createListHandler } from "./list-handler.ts";

let world: AcceptWorld;
beforeEach(async () => {
  world = await createAcceptWorld();
});

async function list(
  request: Partial<ListNotificationsRequest>,
  { app = CALLING_APP, tokens = ["token-one"] }: { app?: AppRecord; tokens?: readonly string[] } = {},
) {
  const { store, clock } = world;
  const handler = createListHandler({ store, clock, tokens: () => tokens });
  const context = { caller: app, signal: new AbortController().signal, deadlineAt: clock.now() + 60_000, traceparent: undefined };
  return handler({ ...ListNotificationsRequest.decode(new Uint8Array()), ...request }, context);
}
async function listed(...given: Parameters<typeof list>) {
  const answer = await list(...given);
  assert.ok(!isCallError(answer), JSON.stringify(answer));
  return answer;
}

test("answers with what support asks for, and without contents", async () => {
  const { clock } = world;
  await world.setUp().send(smsMessage("a", { tags: { order: "4711" }, cancelKey: "visit", sendAt: new Date(clock.now() + 60_000) }));
  const id = notificationId("app", "a");
  const { notifications, nextPageToken } = await listed({ tag: "order=4711" });
  assert.deepEqual(
    [notifications, nextPageToken],
    [
      [
        {
          ...{ notificationId: id, idempotencyKey: "a", category: "orders", cancelKey: "visit", userId: "", tags: { order: "4711" } },
          notificationClass: NotificationClass.NOTIFICATION_CLASS_TRANSACTIONAL,
          acceptedAt: new Date(clock.now()),
          deliveries: [
            {
              ...{ deliveryId: `${id}-0`, channel: Channel.CHANNEL_SMS, state: DeliveryState.DELIVERY_STATE_PENDING, reason: undefined },
              ...{ endpointMasked: "+49…78", attempt: 1, nextAt: new Date(clock.now() + 60_000), endedAt: undefined },
              ...{ waitingFor: WaitingFor.WAITING_FOR_SEND_AT, providerRef: "" },
            },
          ],
        },
      ],
      "",
    ],
  );
});

test("a page token goes on with its own filter alone, whichever gateway made it", async () => {
  const { send } = world.setUp();
  for (const key of ["a", "b", "c"]) {
    await send(smsMessage(key));
    world.clock.advance(5);
  }
  const first = await listed({ pageSize: 2, category: "orders" });
  assert.deepEqual(
    first.notifications.map(({ idempotencyKey }) => idempotencyKey),
    ["c", "b"],
  );
  const { nextPageToken: pageToken } = first;
  const next = { pageSize: 1, category: "orders", pageToken };
  const second = await listed(next, { tokens: ["token-two", "token-one"] });
  assert.deepEqual([second.notifications.map(({ idempotencyKey }) => idempotencyKey), second.nextPageToken], [["a"], ""]);
  for (const [request, how] of [
    [{ ...next, category: "news" }, {}],
    [next, { app: { ...CALLING_APP, id: "bank" } }],
    [next, { tokens: ["token-two"] }],
    [{ ...next, pageToken: `${pageToken.slice(0, -2)}AA` }, {}],
    [{ ...next, pageToken: "1-00" }, {}],
  ] as const) {
    const answer = await list(request, how);
    assert.ok(isCallError(answer), JSON.stringify([request, how]));
    assert.deepEqual([answer.code, answer.fields?.[0]?.field], ["INVALID_ARGUMENT", "page_token"]);
  }
});

test("an app finds its own notifications only", async () => {
  await world.setUp().send(smsMessage("a", { tags: { order: "1" } }));
  const bank = { ...CALLING_APP, id: "bank" };
  for (const request of [{}, { tag: "order=1" }, { idempotencyKey: "a" }, { category: "orders" }])
    assert.deepEqual((await listed(request, { app: bank })).notifications, []);
  assert.equal((await listed({ idempotencyKey: "a" })).notifications.length, 1);
});

test("an address is found however it is spelled", async () => {
  await world.setUp().send(smsMessage("a"));
  for (const value of ["+4915112345678", "+49015112345678"]) {
    const { notifications } = await listed({ endpoint: { address: { $case: "phoneNumber", value } } });
    assert.equal(notifications.length, 1, value);
  }
  const other = await listed({ endpoint: { address: { $case: "phoneNumber", value: "+4915112345679" } } });
  assert.deepEqual(other.notifications, []);
});

test("a filter that breaks a rule is rejected, with its field", async () => {
  for (const [request, field] of [
    [{ tag: "Order=1" }, "tag"],
    [{ tag: "order" }, "tag"],
    [{ pageSize: 201 }, "page_size"],
    [{ states: [9 as DeliveryState] }, "states[0]"],
    [{ reasonCode: "a b" }, "reason_code"],
    [{ userId: "a b" }, "user_id"],
  ] as const) {
    const answer = await list(request as Partial<ListNotificationsRequest>);
    assert.ok(isCallError(answer), field);
    assert.deepEqual([answer.code, answer.fields?.[0]?.field], ["INVALID_ARGUMENT", field]);
  }
});

test("a filter that nothing can pass is an error, and no empty page", async () => {
  const [early, late] = [new Date(1_000), new Date(2_000)];
  for (const [request, field] of [
    [{ reasonCode: "opted-outt" }, "reason_code"],
    [{ acceptedFrom: late, acceptedBefore: early }, "accepted_before"],
    [{ acceptedFrom: late, acceptedBefore: late }, "accepted_before"],
  ] as const) {
    const answer = await list(request);
    assert.ok(isCallError(answer) && answer.code === "INVALID_ARGUMENT", JSON.stringify(request));
    assert.deepEqual(
      answer.fields?.map((fault) => fault.field),
      [field],
    );
  }
  assert.deepEqual((await listed({ reasonCode: "opted-out", acceptedFrom: early, acceptedBefore: late })).notifications, []);
});
