// One notification after the other, from the caller to the provider.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { channelToProto, stateFromProto } from "../../adapters/wire/convert.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import type { Delivery, DeliveryState } from "../../core/delivery/notification.ts";
import type { Accepted } from "../../gen/carillon/v1/notification_service.ts";
import { fresh, freshEndpoint } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { CRITICAL, ended, get, register, send, settled, toEndpoint, toUser } from "./calls.ts";

const limits = { timeout: 40_000 };
let system: TestSystem;
before(async () => {
  // A silent provider is given up after half a second here, instead of ten.
  system = await startSystem({ PROVIDER_DEADLINE_MS: "500" });
}, limits);
after(() => system?.[Symbol.asyncDispose](), limits);

const FIRST_PROVIDER: Record<Channel, string> = { apns: "apns", fcm: "fcm", webpush: "webpush", sms: "twilio", email: "sendgrid" };
/** Where a delivery that arrived ends: not every provider tells that it did. */
const ARRIVED: Record<Channel, DeliveryState> = { apns: "sent", fcm: "sent", webpush: "sent", sms: "delivered", email: "delivered" };
const endpointOn = (channel: Channel) => freshEndpoint(channel, system.sandbox);
async function arrived({ notificationId }: Accepted, channel: Channel): Promise<Delivery> {
  const [record] = await settled(system, [notificationId], { is: (d) => d.state === ARRIVED[channel] });
  return record!.deliveries[0]!;
}
const arrivals = (deliveryId: string) => system.sandbox.ledger.entries({ deliveryId });

for (const channel of CHANNELS)
  test(`${channel}: it arrives once, with its ids, and Get tells what happened`, limits, async () => {
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
    const [told] = deliveries;
    assert.equal(stateFromProto(told!.state), ARRIVED[channel]);
    assert.equal(told!.channel, channelToProto(channel));
    assert.equal(told!.endpointMasked, maskEndpoint(endpoint));
    assert.deepEqual(
      told!.attempts.map((a) => [a.number, a.provider, a.outcome]),
      [[1, provider, "accepted"]],
    );
    assert.notEqual(told!.attempts[0]!.providerRef, "");
    assert.ok(told!.endedAt && told!.attempts[0]!.answeredAt);
  });

test("email: a large content arrives whole, although neither the notification nor its task carries it", limits, async () => {
  const html = `<p>${"é".repeat(100_000)}</p>`;
  const content = { push: undefined, sms: undefined, email: { subject: "Report", html, text: "" } };
  const accepted = await send(system, { recipient: toEndpoint(endpointOn("email")), content });
  const { id } = await arrived(accepted, "email");
  const [entry] = arrivals(id);
  assert.deepEqual((entry!.payload as { content: unknown }).content, [{ type: "text/html", value: html }]);
  const record = await system.store.notifications.find(accepted.notificationId);
  assert.deepEqual([record?.content, Object.keys(record?.contentHashes ?? {})], [{}, ["email"]]);
});

test("a user is reached on every device, or on those channels that were named", limits, async () => {
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

test("a user without an endpoint is told so, and it counts as ended", limits, async () => {
  const accepted = await send(system, { recipient: toUser(fresh("nobody")), channels: [channelToProto("sms")] });
  assert.equal(accepted.deliveries[0]!.suppressedReason?.code, "no-endpoint");
  assert.equal((await ended(system, accepted)).state, "suppressed");
});

const FALLBACKS = [
  ["sms", "twilio", "vonage"],
  ["email", "sendgrid", "mandrill"],
] as const;
for (const [channel, first, second] of FALLBACKS)
  test(`${channel}: when ${first} is known not to have sent it, ${second} does`, limits, async () => {
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
    const [told] = (await get(system, accepted.notificationId)).deliveries;
    assert.deepEqual(
      told!.attempts.map((a) => [a.provider, a.outcome]),
      [
        [first, "throttled"],
        [second, "accepted"],
      ],
    );
  });

test("a dead endpoint is not used again", limits, async () => {
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

test("without an answer, a receipt tells that it arrived, and it is not sent again", limits, async () => {
  const endpoint = endpointOn("email");
  const match = endpoint.channel === "email" ? endpoint.address : "";
  system.sandbox.faults.order({ provider: "sendgrid", match, do: { kind: "no-answer" } });
  const accepted = await send(system, { recipient: toEndpoint(endpoint), notificationClass: CRITICAL });
  const delivery = await arrived(accepted, "email");
  assert.equal(arrivals(delivery.id).length, 1);
  const [attempt] = (await get(system, accepted.notificationId)).deliveries[0]!.attempts;
  assert.deepEqual([attempt!.resolvedOutcome, attempt!.resolvedBy], ["accepted", "receipt"]);
});

test("without an answer and a receipt, the provider is asked, and it is not sent again", limits, async () => {
  const endpoint = endpointOn("email");
  const match = endpoint.channel === "email" ? endpoint.address : "";
  system.sandbox.faults.order({ provider: "sendgrid", match, do: { kind: "no-answer" } });
  system.sandbox.faults.order({ provider: "sendgrid", match, do: { kind: "webhooks", never: true } });
  const accepted = await send(system, { recipient: toEndpoint(endpoint), notificationClass: CRITICAL });
  const delivery = await ended(system, accepted);
  assert.equal(delivery.state, "sent");
  assert.equal(arrivals(delivery.id).length, 1);
  const [told] = (await get(system, accepted.notificationId)).deliveries;
  assert.deepEqual([told!.attempts[0]!.outcome, told!.attempts[0]!.resolvedBy], ["unanswered", "status-query"]);
  assert.ok(told!.uncertainSince);
});

test(
  "without an answer and any word of it, a transactional one stays uncertain, and is not sent again; a critical one is repeated once",
  limits,
  async () => {
    const [quiet, urgent] = [endpointOn("sms"), endpointOn("sms")];
    for (const e of [quiet, urgent])
      for (const order of [{ kind: "no-answer" }, { kind: "webhooks", never: true }] as const)
        system.sandbox.faults.order({ provider: "twilio", match: e.channel === "sms" ? e.phoneNumber.slice(1) : "", do: order });
    system.sandbox.faults.order({ provider: "twilio-status-query", times: 100, do: { kind: "answer", status: 503 } });
    const once = await send(system, { recipient: toEndpoint(quiet) });
    const twice = await send(system, { recipient: toEndpoint(urgent), notificationClass: CRITICAL });

    const repeated = await ended(system, twice, 30_000);
    assert.ok(repeated.state === "sent" || repeated.state === "delivered");
    assert.deepEqual(
      arrivals(repeated.id).map((e) => [e.attemptId, e.accepted]),
      [
        [`${repeated.id}/1`, true],
        [`${repeated.id}/2`, true],
      ],
    );

    // Meanwhile more than ten seconds have passed, in which the other could have been repeated as well.
    const [told] = (await get(system, once.notificationId)).deliveries;
    assert.equal(stateFromProto(told!.state), "uncertain");
    assert.deepEqual(
      told!.attempts.map((a) => [a.provider, a.outcome]),
      [["twilio", "unanswered"]],
    );
    assert.equal(arrivals(told!.deliveryId).length, 1);
  },
);
