// Cancelling and finding through a running system: what was cancelled never arrives, and what a provider is holding is said to be in flight.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CancelNotificationsRequest,
  CancelOutcome,
  DeliveryState,
  ListNotificationsRequest,
  NotificationServiceService,
  WaitingFor,
} from "../../gen/carillon/v1/notification_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, freshNumber } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, phone, send, toEndpoint } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(() => system?.[Symbol.asyncDispose]());

const cancel = (request: Partial<CancelNotificationsRequest>) =>
  callUnary(system.clients.notifications, NotificationServiceService.cancelNotifications, {
    ...CancelNotificationsRequest.decode(new Uint8Array()),
    ...request,
  });
const list = (request: Partial<ListNotificationsRequest>) =>
  callUnary(system.clients.notifications, NotificationServiceService.listNotifications, {
    ...ListNotificationsRequest.decode(new Uint8Array()),
    ...request,
  });
const arrivals = (deliveryId: string) => system.sandbox.ledger.entries({ deliveryId });

test("scheduled notifications that share a cancel key are cancelled, and nothing of them arrives", async () => {
  const cancelKey = fresh("visit");
  const sendAt = new Date(Date.now() + 1_500);
  const sent = [await send(system, { sendAt, cancelKey }), await send(system, { sendAt, cancelKey })];
  const other = await send(system, { sendAt });
  const { deliveries, remaining } = await cancel({ cancelKey, reason: "moved", actor: "agent 7" });
  assert.deepEqual([deliveries.map(({ outcome }) => outcome), remaining], [sent.map(() => CancelOutcome.CANCEL_OUTCOME_CANCELLED), 0]);
  assert.equal(arrivals((await ended(system, other)).id).length, 1);
  for (const { deliveries: of } of sent) assert.deepEqual(arrivals(of[0]!.deliveryId), []);
  const { notifications } = await list({ states: [DeliveryState.DELIVERY_STATE_CANCELLED], reasonCode: "cancelled" });
  assert.deepEqual(
    notifications.filter((n) => n.cancelKey === cancelKey).map(({ deliveries: [d] }) => d?.reason?.detail),
    ["agent 7: moved", "agent 7: moved"],
  );
});

test("what is being retried is found, and its next attempt is cancelled", async () => {
  const number = freshNumber();
  for (const provider of ["twilio", "vonage"] as const)
    system.sandbox.faults.order({ provider, match: number.slice(1), times: 50, do: { kind: "answer", status: 429, body: {} } });
  const accepted = await send(system, { recipient: toEndpoint(phone(number)), tags: { number } });
  const id = accepted.notificationId;
  await eventually("it is being retried", async () => {
    const { notifications } = await list({ tag: `number=${number}`, waitingFor: WaitingFor.WAITING_FOR_RETRY });
    return notifications[0]?.notificationId === id;
  });
  await cancel({ notificationId: id });
  const delivery = await ended(system, accepted);
  assert.equal(delivery.state, "cancelled");
  assert.ok(arrivals(delivery.id).every((entry) => !entry.accepted));
  const [again] = (await cancel({ notificationId: id })).deliveries;
  assert.deepEqual([again?.outcome, again?.state], [CancelOutcome.CANCEL_OUTCOME_CANCELLED, DeliveryState.DELIVERY_STATE_CANCELLED]);
});

test("what a provider is being called for is in flight, and its outcome stands", async () => {
  const number = freshNumber();
  for (const provider of ["twilio", "vonage"] as const) {
    system.sandbox.faults.order({ provider, match: number.slice(1), do: { kind: "delay", ms: 1_500 } });
    // A receipt that comes before the answer ends the delivery.
    system.sandbox.faults.order({ provider, match: number.slice(1), do: { kind: "webhooks", never: true } });
  }
  const accepted = await send(system, { recipient: toEndpoint(phone(number)) });
  const id = accepted.deliveries[0]!.deliveryId;
  await eventually("the provider has it", () => arrivals(id).length === 1);
  const { deliveries } = await cancel({ notificationId: accepted.notificationId });
  assert.equal(deliveries[0]?.outcome, CancelOutcome.CANCEL_OUTCOME_IN_FLIGHT);
  assert.match((await ended(system, accepted)).state, /^(sent|delivered)$/);
  assert.equal(arrivals(id).length, 1);
});

test("what has been sent is too late to cancel", async () => {
  const accepted = await send(system);
  const { state } = await ended(system, accepted);
  const { deliveries } = await cancel({ notificationId: accepted.notificationId });
  assert.equal(deliveries[0]?.outcome, CancelOutcome.CANCEL_OUTCOME_TOO_LATE);
  assert.match(state, /^(sent|delivered)$/);
});
