import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { notificationId } from "../adapters/ids.ts";
import { CancelNotificationsRequest, CancelOutcome, DeliveryState } from "../gen/carillon/v1/notification_service.ts";
import { isCallError } from "../runtime/call-error.ts";
import { createLogger } from "../runtime/logger.ts";
import { type AcceptWorld, CALLING_APP, createAcceptWorld, smsMessage } from "../test/support/accept-world.ts";
import { ignoreEvents } from "../test/support/changes.ts";
import { createCancelHandler } from "./cancel-handler.ts";

let world: AcceptWorld;
let lines: string[] = [];
beforeEach(async () => {
  world = await createAcceptWorld();
  lines = [];
});

async function cancel(request: Partial<CancelNotificationsRequest>, app = CALLING_APP, deadlineMs = 60_000) {
  const { store, clock } = world;
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const handler = createCancelHandler({ store, clock, log, recorder: ignoreEvents });
  const context = { caller: app, signal: new AbortController().signal, deadlineAt: clock.now() + deadlineMs, traceparent: undefined };
  return handler({ ...CancelNotificationsRequest.decode(new Uint8Array()), ...request }, context);
}

const toUser = (key: string, userId: string, cancelKey = "") =>
  smsMessage(key, { recipient: { to: { $case: "userId", value: userId } }, cancelKey });

async function cancelled(request: Partial<CancelNotificationsRequest>, deadlineMs?: number) {
  const answer = await cancel(request, CALLING_APP, deadlineMs);
  assert.ok(!isCallError(answer), JSON.stringify(answer));
  return answer;
}

test("one is cancelled by its id or its idempotency key, once, and the log says who asked", async () => {
  const { send } = world.setUp();
  await send(smsMessage("a"), smsMessage("b"));
  const [id, other] = [notificationId("app", "a"), notificationId("app", "b")];
  for (let calls = 0; calls < 2; calls++) {
    const { deliveries, remaining, nextPageToken } = await cancelled({ notificationId: id, reason: "ordered twice", actor: "agent 7" });
    assert.deepEqual(deliveries, [
      { deliveryId: `${id}-0`, outcome: CancelOutcome.CANCEL_OUTCOME_CANCELLED, state: DeliveryState.DELIVERY_STATE_CANCELLED },
    ]);
    assert.deepEqual([remaining, nextPageToken], [0, ""]);
  }
  assert.deepEqual((await world.store.notifications.find(id))?.deliveries[0]?.reason, {
    code: "cancelled",
    detail: "agent 7: ordered twice",
  });
  const { app, actor, reason, cancelled: count } = JSON.parse(lines[0]!) as Record<string, unknown>;
  assert.deepEqual([app, actor, reason, count], ["app", "agent 7", "ordered twice", 1]);
  assert.equal((await cancelled({ idempotencyKey: "b" })).deliveries[0]?.deliveryId, `${other}-0`);
  // The key is used up.
  const [again] = await send(smsMessage("a"));
  assert.ok(again?.kind === "accepted" && again.repeatedKey && again.record.deliveries[0]?.state === "cancelled");
});

test("what is another app's does not exist", async () => {
  const { send } = world.setUp();
  await send(smsMessage("a", { cancelKey: "k" }));
  const bank = { ...CALLING_APP, id: "bank" };
  for (const request of [{ notificationId: notificationId("app", "a") }, { idempotencyKey: "a" }]) {
    const answer = await cancel(request, bank);
    assert.ok(isCallError(answer));
    assert.equal(answer.code, "NOT_FOUND");
  }
  assert.deepEqual(await cancel({ cancelKey: "k" }, bank), { deliveries: [], remaining: 0, nextPageToken: "" });
  assert.equal((await world.store.notifications.find(notificationId("app", "a")))?.deliveries[0]?.state, "pending");
});

test("all of a user or under a cancel key are cancelled, page by page where the time is short", async () => {
  const { send } = world.setUp();
  const endpoint = { channel: "sms", phoneNumber: "+4915112345678" } as const;
  for (const userId of ["ada", "bob"])
    await world.store.contacts.register({ app: "app", userId, endpointId: userId, endpoint, registeredAt: 0 });
  await send(...Array.from({ length: 60 }, (_, i) => toUser(`a${i}`, "ada", "visit")), toUser("b", "bob", "visit"), toUser("c", "bob"));
  const first = await cancelled({ cancelKey: "visit", userId: "ada" }, 0);
  assert.deepEqual([first.deliveries.length, first.remaining], [50, 10]);
  const second = await cancelled({ cancelKey: "visit", userId: "ada", pageToken: first.nextPageToken });
  assert.deepEqual([second.deliveries.length, second.remaining, second.nextPageToken], [10, 0, ""]);
  assert.equal((await cancelled({ cancelKey: "visit" })).deliveries.length, 1);
  assert.equal((await cancelled({ userId: "bob" })).deliveries.length, 1);
  assert.equal((await cancelled({ userId: "bob" })).deliveries.length, 0);
});

test("a request must name exactly one way, and names no control characters", async () => {
  const id = notificationId("app", "a");
  for (const [request, field] of [
    [{}, ""],
    [{ notificationId: id, idempotencyKey: "a" }, ""],
    [{ idempotencyKey: "a", userId: "ada" }, ""],
    [{ notificationId: "x" }, "notification_id"],
    [{ cancelKey: "k", reason: "a\u0000b" }, "reason"],
    [{ cancelKey: "k", reason: "r".repeat(201) }, "reason"],
    [{ cancelKey: "k", actor: "a".repeat(65) }, "actor"],
    [{ cancelKey: "k", pageToken: "1" }, "page_token"],
  ] as const) {
    const answer = await cancel(request);
    assert.ok(isCallError(answer), JSON.stringify(request));
    assert.deepEqual([answer.code, answer.fields?.[0]?.field], ["INVALID_ARGUMENT", field], JSON.stringify(request));
  }
});
