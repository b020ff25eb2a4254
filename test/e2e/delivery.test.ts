// Single notifications, from the caller to the provider.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { channelToProto, stateFromProto } from "../../adapters/wire/convert.ts";
import { contentToProto } from "../../core/content/content.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import type { Delivery, DeliveryState } from "../../core/delivery/notification.ts";
import type { Accepted } from "../../gen/carillon/v1/notification_service.ts";
import { fresh, freshEndpoint } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, get, register, send, settled, toEndpoint, toUser } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(() => system?.[Symbol.asyncDispose]());

const FIRST_PROVIDER: Record<Channel, string> = { apns: "apns", fcm: "fcm", webpush: "webpush", sms: "twilio", email: "sendgrid" };
/** The end state of a delivery that arrived: not every provider sends receipts. */
const ARRIVED: Record<Channel, DeliveryState> = { apns: "sent", fcm: "sent", webpush: "sent", sms: "delivered", email: "delivered" };
const endpointOn = (channel: Channel) => freshEndpoint(channel, system.sandbox);
async function arrived({ notificationId }: Accepted, channel: Channel): Promise<Delivery> {
  const [record] = await settled(system, [notificationId], { is: (d) => d.state === ARRIVED[channel] });
  return record!.deliveries[0]!;
}
const arrivals = (deliveryId: string) => system.sandbox.ledger.entries({ deliveryId });

for (const channel of CHANNELS)
  test(`${channel}: it arrives once, with its ids, and Get reports what happened`, async () => {
    const endpoint = endpointOn(channel);
    const accepted = await send(system, { recipient: toEndpoint(endpoint) });
    const delivery = await arrived(accepted, channel);
    const provider = FIRST_PROVIDER[channel];
    const [entry, ...more] = arrivals(delivery.id);
    assert.deepEqual(more, []);
    assert.deepEqual(
      { provider: entry?.provider, attemptId: entry?.attemptId, accepted: entry?.accepted },
      { provider, attemptId: `${delivery.id}/1`, accepted: true },
    );
    const { deliveries } = await get(system, accepted.notificationId);
    const [reported] = deliveries;
    assert.equal(stateFromProto(reported!.state), ARRIVED[channel]);
    assert.equal(reported!.channel, channelToProto(channel));
    assert.equal(reported!.endpointMasked, maskEndpoint(endpoint));
    assert.deepEqual(
      reported!.attempts.map((a) => [a.number, a.provider, a.outcome]),
      [[1, provider, "accepted"]],
    );
    assert.notEqual(reported!.attempts[0]!.providerRef, "");
    assert.ok(reported!.endedAt && reported!.attempts[0]!.answeredAt);
  });

test("email: a large content arrives complete, although it is stored apart from the notification and its task", async () => {
  const html = `<p>${"é".repeat(100_000)}</p>`;
  const content = contentToProto({ email: { subject: "Report", html, text: "" } });
  const accepted = await send(system, { recipient: toEndpoint(endpointOn("email")), content });
  const { id } = await arrived(accepted, "email");
  const [entry] = arrivals(id);
  const { content: parts } = entry!.payload as { content: unknown };
  assert.deepEqual(parts, [
    { type: "text/plain", value: "é".repeat(100_000) },
    { type: "text/html", value: html },
  ]);
  const record = await system.store.notifications.find(accepted.notificationId);
  assert.deepEqual([record?.content, Object.keys(record?.contentHashes ?? {})], [{}, ["email"]]);
});

test("a user is reached on every device, or on the requested channels", async () => {
  const user = fresh("grace");
  const endpoints = [...CHANNELS.map((c) => endpointOn(c)), endpointOn("apns")];
  for (const endpoint of endpoints) await register(system, user, endpoint);
  const everywhere = await send(system, { recipient: toUser(user) });
  const [all] = await settled(system, [everywhere.notificationId]);
  assert.deepEqual(all!.deliveries.map((d) => d.channel).sort(), endpoints.map((e) => e.channel).sort());
  for (const d of all!.deliveries) {
    assert.ok(d.state === "sent" || d.state === ARRIVED[d.channel], d.state);
    assert.equal(arrivals(d.id).length, 1, d.channel);
  }
  const phones = await send(system, { recipient: toUser(user), channels: [channelToProto("apns")] });
  const [named] = await settled(system, [phones.notificationId]);
  assert.deepEqual(
    named!.deliveries.map((d) => [d.channel, d.state]),
    [
      ["apns", "sent"],
      ["apns", "sent"],
    ],
  );
});

test("a delivery to a user without an endpoint is suppressed at acceptance", async () => {
  const accepted = await send(system, { recipient: toUser(fresh("unknown-user")), channels: [channelToProto("sms")] });
  assert.equal(accepted.deliveries[0]!.suppressedReason?.code, "no-endpoint");
  assert.equal((await ended(system, accepted)).state, "suppressed");
});

const FALLBACKS = [
  ["sms", "twilio", "vonage"],
  ["email", "sendgrid", "mandrill"],
] as const;
for (const [channel, first, second] of FALLBACKS)
  test(`${channel}: when ${first} is known not to have sent it, ${second} does`, async () => {
    const endpoint = endpointOn(channel);
    const match = endpoint.channel === "sms" ? endpoint.phoneNumber.slice(1) : endpoint.channel === "email" ? endpoint.address : "";
    system.sandbox.faults.order({ provider: first, match, do: { kind: "answer", status: 429, body: {} } });
    const accepted = await send(system, { recipient: toEndpoint(endpoint) });
    const delivery = await arrived(accepted, channel);
    assert.deepEqual(
      arrivals(delivery.id).map((e) => [e.provider, e.attemptId, e.accepted]),
      [
        [first, `${delivery.id}/1`, false],
        [second, `${delivery.id}/2`, true],
      ],
    );
    const [reported] = (await get(system, accepted.notificationId)).deliveries;
    assert.deepEqual(
      reported!.attempts.map((a) => [a.provider, a.outcome]),
      [
        [first, "throttled"],
        [second, "accepted"],
      ],
    );
  });

test("an endpoint that is gone is not used again", async () => {
  const user = fresh("mary");
  const endpoint = endpointOn("webpush");
  await register(system, user, endpoint);
  system.sandbox.faults.order({ provider: "webpush", do: { kind: "answer", status: 410 } });
  const gone = await ended(system, await send(system, { recipient: toUser(user), channels: [channelToProto("webpush")] }));
  assert.equal(gone.state, "failed");
  assert.equal(gone.reason?.code, "endpoint-gone");
  const next = await send(system, { recipient: toUser(user), channels: [channelToProto("webpush")] });
  assert.equal(next.deliveries[0]!.suppressedReason?.code, "no-endpoint");
});
