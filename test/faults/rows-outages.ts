// Providers that fail for long, and endpoints that fail among others that do not.

import { setTimeout as delay } from "node:timers/promises";
import { classToProto, endpointToProto } from "../../adapters/wire/convert.ts";
import { contentToProto } from "../../core/content/content.ts";
import { CHANNELS, type Channel, isPush } from "../../core/delivery/channel.ts";
import { SERVICE_ENDPOINTS_MIN } from "../../core/delivery/circuit.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { type Delivery, isOpen } from "../../core/delivery/notification.ts";
import { type Notification, NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import type { FaultAction, ProviderName } from "../../sandbox/main.ts";
import { fresh, freshEndpoint } from "../support/fresh.ts";
import { NO_OPTIONS } from "../support/no-options.ts";
import { scaled } from "./pace.ts";
import { DidNotHappen, happened, type Row, type Scene } from "./row.ts";
import type { World } from "./world.ts";

const ALWAYS = 100_000;
/** Several open times: 5 s, 10 s, and part of 20 s. */
const OUTAGE_MS = 30_000;
/** After an outage of OUTAGE_MS a circuit is open for 20 s at most, and what waits for it returns within as much again. */
const AFTER_OUTAGE_MS = 120_000;
/** While the bad endpoints are bad. */
const BAD_MS = 8_000;
/** Until a bad endpoint's delivery is tried again and sent. */
const SENT_MS = 90_000;
const BAD_PER_CHANNEL = 2 * SERVICE_ENDPOINTS_MIN;

const isCircuitOpen = ({ reason }: Delivery) => reason?.detail?.startsWith("circuit open") === true;

/** Deliveries of the load that a gateway has accepted. */
async function deliveriesOf({ store }: World, { load }: Scene): Promise<Delivery[]> {
  const accepted = load.items.flatMap(({ accepted: of }) => (of ? [of.notificationId] : []));
  const records = await Promise.all(accepted.map((id) => store.notifications.find(id)));
  return records.flatMap((record) => record?.deliveries ?? []);
}

/** Every provider is unavailable; what waits for it says so in the store. */
async function outage(world: World, scene: Scene): Promise<string> {
  const providers: readonly ProviderName[] = ["apns", "fcm", "webpush", "twilio", "vonage", "sendgrid", "mandrill"];
  for (const provider of providers) {
    const code = provider === "apns" || provider === "fcm" ? { code: 7 } : {};
    world.sandbox.faults.order({ provider, times: ALWAYS, do: { kind: "cut-before", ...code } });
  }
  const endsAt = Date.now() + OUTAGE_MS;
  const waited = new Set<string>();
  while (Date.now() < endsAt) {
    await delay(2_000);
    for (const d of await deliveriesOf(world, scene)) if (d.state === "pending" && isCircuitOpen(d)) waited.add(d.channel);
  }
  world.sandbox.faults.clear();
  // Texts and mails leave by the second provider until its circuit is open, too.
  const never = CHANNELS.filter((channel) => isPush(channel) && !waited.has(channel));
  if (never.length > 0) throw new DidNotHappen(`no delivery of ${never.join(", ")} waited for a circuit`);
  return happened(waited.size, "channels whose deliveries waited in the store with their reason");
}

/** How a provider rejects one endpoint of ours as if something of ours were wrong, in its own format. */
const REJECTIONS: Readonly<Record<Channel, readonly { provider: ProviderName; do: FaultAction }[]>> = {
  apns: [{ provider: "apns", do: { kind: "answer", status: 403, body: { reason: "InvalidProviderToken" } } }],
  fcm: [
    {
      provider: "fcm",
      do: {
        ...{ kind: "answer", status: 401 },
        body: {
          error: {
            ...{ code: 401, status: "UNAUTHENTICATED", message: "Auth error from APNS or Web Push Service" },
            details: [{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode: "THIRD_PARTY_AUTH_ERROR" }],
          },
        },
      },
    },
  ],
  webpush: [{ provider: "webpush", do: { kind: "answer", status: 503, body: {} } }],
  sms: [
    {
      provider: "twilio",
      do: { kind: "answer", status: 400, body: { code: 21408, message: "Permission to send has not been enabled", status: 400 } },
    },
    {
      provider: "vonage",
      do: { kind: "answer", status: 200, accepted: false, body: { "message-count": "1", messages: [{ status: "15" }] } },
    },
  ],
  email: [
    { provider: "sendgrid", do: { kind: "answer", status: 403, body: {} } },
    {
      provider: "mandrill",
      do: { kind: "answer", status: 401, body: { status: "error", code: -1, name: "Invalid_Key", message: "Invalid API key" } },
    },
  ],
};

/** What the sandbox's ledger calls the endpoint. */
const nameOf = (endpoint: Endpoint): string => {
  switch (endpoint.channel) {
    case "webpush":
      return new URL(endpoint.pushUrl).pathname.split("/").at(-1)!;
    case "sms":
      return endpoint.phoneNumber.replace("+", "");
    case "email":
      return endpoint.address;
    default:
      return endpoint.token;
  }
};

async function sendTo({ gateways }: World, endpoint: Endpoint): Promise<string> {
  const notification: Notification = {
    ...NO_OPTIONS,
    ...{ idempotencyKey: fresh("bad"), notificationClass: classToProto("marketing"), category: "orders" },
    recipient: { to: { $case: "endpoint", value: endpointToProto(endpoint) } },
    content: contentToProto({
      push: { title: "Your order", body: "It is on its way.", data: {} },
      sms: { text: "Your order is on its way." },
      email: { subject: "Your order", html: "", text: "It is on its way." },
    }),
  };
  const request = { notifications: [notification] };
  const { results } = await callUnary(gateways[0]!.notifications, NotificationServiceService.batchSendNotifications, request, {
    deadlineMs: 4_000,
  });
  const [answer] = results;
  if (answer?.result?.$case !== "accepted") throw new DidNotHappen("a notification to a bad endpoint was rejected");
  return answer.result.value.notificationId;
}

/** One bad endpoint of each channel, tried again and again, among the load's good ones: none of these waits. */
async function badEndpoints(world: World, scene: Scene): Promise<string> {
  const bad = CHANNELS.map((channel) => freshEndpoint(channel, world.sandbox));
  for (const endpoint of bad)
    for (const order of REJECTIONS[endpoint.channel]) world.sandbox.faults.order({ ...order, times: ALWAYS, match: nameOf(endpoint) });
  const ids: string[] = [];
  for (let times = 0; times < BAD_PER_CHANNEL; times++) for (const endpoint of bad) ids.push(await sendTo(world, endpoint));
  const deliveryOf = async (id: string) => (await world.store.notifications.find(id))!.deliveries[0]!;
  const until = async (what: string, is: (d: Delivery) => boolean, ms: number) => {
    for (const giveUpAt = Date.now() + scaled(ms); ; await delay(200)) {
      const left = (await Promise.all(ids.map(deliveryOf))).filter((d) => !is(d));
      if (left.length === 0) return;
      if (Date.now() > giveUpAt)
        throw new Error(`${left.length} to bad endpoints not ${what}: ${JSON.stringify(left[0]?.reason)} of ${left[0]?.channel}`);
    }
  };
  await until("tried", (d) => d.attempt > 1, BAD_MS);
  const goodFrom = scene.load.items.length;
  await delay(BAD_MS);
  const kept = (await deliveriesOf(world, scene)).filter((d) => isOpen(d.state) && isCircuitOpen(d));
  if (kept.length > 0)
    throw new Error(`${kept.length} to good endpoints wait for a circuit: ${kept[0]?.channel} ${JSON.stringify(kept[0]?.reason)}`);
  world.sandbox.faults.clear();
  await until("sent", (d) => d.state === "sent" || d.state === "delivered", SENT_MS);
  return `${happened(ids.length, "to bad endpoints tried and sent later")}; ${happened(scene.load.items.length - goodFrom, "to good ones, none kept waiting")}`;
}

export const OUTAGE_ROWS: readonly Row[] = [
  {
    name: "provider-outage",
    about: "providers: all of them close every connection before reading the request, for 30 s; circuits open, and what waits says why",
    boundMs: AFTER_OUTAGE_MS,
    inject: outage,
  },
  {
    name: "bad-endpoint",
    about: "providers: one endpoint of each channel is rejected as if our setup were wrong, again and again; the others go on",
    boundMs: AFTER_OUTAGE_MS,
    inject: badEndpoints,
  },
];
