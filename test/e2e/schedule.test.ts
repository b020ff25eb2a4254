// Scheduled sends and expiries, and the caller's trace.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import { connect } from "@nats-io/transport-node";
import { NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { freshNumber } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, get, notification, phone, send, toEndpoint, wentOut } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(() => system?.[Symbol.asyncDispose]());

const arrivals = (deliveryId: string) => system.sandbox.ledger.entries({ deliveryId });

test("a scheduled notification is sent once, and not before its time", async () => {
  const sendAt = new Date(Date.now() + 1_500);
  const accepted = await send(system, { sendAt });
  const delivery = await ended(system, accepted);
  assert.ok(wentOut(delivery), delivery.state);
  const [entry, ...more] = arrivals(delivery.id);
  assert.deepEqual(more, []);
  assert.ok(entry!.receivedAt >= sendAt.getTime(), `${entry!.receivedAt - sendAt.getTime()} ms too early`);
  assert.deepEqual((await get(system, accepted.notificationId)).sendAt, sendAt);
});

test("a notification that could only be sent after its expiry is not sent", async () => {
  const sendAt = new Date(Date.now() + 300);
  // It expires 1 ms after it is due, so every evaluation is too late.
  const accepted = await send(system, { sendAt, expiresAt: new Date(sendAt.getTime() + 1) });
  const delivery = await ended(system, accepted);
  assert.deepEqual([delivery.state, arrivals(delivery.id).length], ["expired", 0]);
  assert.deepEqual((await get(system, accepted.notificationId)).deliveries[0]!.attempts, [], "an expiry is no attempt");
});

test("a notification that no provider accepts in time expires and is not attempted again", async () => {
  const number = freshNumber();
  for (const provider of ["twilio", "vonage"] as const)
    system.sandbox.faults.order({ provider, match: number.slice(1), times: 50, do: { kind: "answer", status: 429, body: {} } });
  const expiresAt = new Date(Date.now() + 3_000);
  const delivery = await ended(system, await send(system, { recipient: toEndpoint(phone(number)), expiresAt }));
  assert.equal(delivery.state, "expired");
  assert.match(delivery.reason?.code ?? "", /^(throttled|expired)$/);
  const tries = arrivals(delivery.id);
  assert.ok(tries.length >= 1);
  assert.ok(tries.every((e) => !e.accepted && e.receivedAt <= expiresAt.getTime()));
});

test("the caller's trace continues through the queue", async () => {
  const nats = await connect({ servers: system.natsUrl });
  try {
    const subscription = nats.subscribe("carillon.>", { max: 1 });
    await nats.flush();
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const metadata = new Metadata();
    metadata.set("traceparent", `00-${traceId}-b7ad6b7169203331-01`);
    await callUnary(
      system.clients.notifications,
      NotificationServiceService.sendNotification,
      { notification: notification(), validateOnly: false },
      { metadata, deadlineMs: 5_000 },
    );
    for await (const msg of subscription) assert.equal(msg.headers?.get("traceparent")?.split("-")[1], traceId);
    assert.equal(subscription.getProcessed(), 1);
  } finally {
    await nats.close();
  }
});
