// A person of whom everything that could name them is a known text, written wherever free texts are stored, in every form that people and programs use.
import { endpointId, notificationId } from "../../adapters/ids.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import { canonicalEndpoint, type Endpoint } from "../../core/delivery/endpoint.ts";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import type { Reason } from "../../core/delivery/reason.ts";
import type { SharedCircuits } from "../../core/ports/shared-circuits.ts";
import type { Store } from "../../core/ports/store.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { sampleAttempt, sampleNotification } from "./store/samples.ts";

export const APP = "shop";
/** An address, as some apps name their users; none of the endpoints. */
export const USER = "hana.kim@users.example.org";
export const COLLEAGUE = "mira.olsson@company.example";
export const KEY = "order-of-hana-7731";
const NUMBER = "+821055501017";
const [ADDRESS, ADDRESS_IN_ASCII] = ["Hana+Orders@bücher.example", "Hana+Orders@xn--bcher-kva.example"];
const APNS_TOKEN = "8ed1f00d5c7a".repeat(6).slice(0, 64);
const FCM_TOKEN = `cX1yZ2aB3dE:APA91b${"Hk3_x-9Q".repeat(15)}`;
const PUSH_PATH = "wpush/v2/gAAAAABm0x_Z9-abcdefGHIJ0123456789";
const PUSH_URL = `https://updates.push.services.mozilla.com/${PUSH_PATH}`;
const [P256DH, AUTH] = ["BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQ", "tBHItJI5svbpez7KI4CCXg"];
const WEBHOOK_SECRET = "hook-secret-46a1";

const ENDPOINTS: readonly Endpoint[] = (
  [
    { channel: "sms", phoneNumber: NUMBER },
    { channel: "email", address: ADDRESS },
    { channel: "apns", token: APNS_TOKEN },
    { channel: "fcm", token: FCM_TOKEN },
    { channel: "webpush", pushUrl: PUSH_URL, p256dh: P256DH, auth: AUTH },
  ] as const
).map(canonicalEndpoint);

/** What reaches the person: nobody is shown these but by a reveal. */
export const PLACES = [ADDRESS, ADDRESS_IN_ASCII, APNS_TOKEN, FCM_TOKEN, PUSH_PATH, P256DH, AUTH] as const;
/** The digits of the number in which its spellings agree. */
export const NUMBER_DIGITS = "1055501017";
/** By which one could try whether a number or an address is the person's. */
export const UNKEYED_IDS = ENDPOINTS.map(endpointId);
/** What support sees besides, and viewers do not. */
export const [CONTENT, EVIDENCE, LABEL] = ["Your code is 482913", "said so on the phone", "Hana's phone"] as const;
export const HIDDEN_FROM_VIEWERS = [USER, COLLEAGUE, KEY, CONTENT, EVIDENCE, LABEL, WEBHOOK_SECRET] as const;

/** Free text with all of it, in one spelling after the other. It begins with MARK, by which a test finds it. */
export const MARK = "Ticket 46112";
const SPELLINGS = [
  ...[NUMBER, "+82 10-5550-1017", "010 5550 1017", "(010) 5550.1017", encodeURIComponent(NUMBER)],
  ...[
    `<${ADDRESS}>`,
    ADDRESS_IN_ASCII.toLowerCase(),
    encodeURIComponent(ADDRESS),
    `bounces+${ADDRESS_IN_ASCII.replace("@", "=")}@mail.example`,
  ],
  ...[ADDRESS.replace("@", "&#64;"), `mailto:${ADDRESS}`, encodeURIComponent(encodeURIComponent(ADDRESS))],
  ...[APNS_TOKEN, APNS_TOKEN.toUpperCase(), FCM_TOKEN, PUSH_URL, encodeURIComponent(PUSH_URL), `${P256DH} ${AUTH}`],
];
const ALL = SPELLINGS.join(" ; ");
/** Texts of an order have at most 500 characters. */
const reasons = SPELLINGS.map((spelling) => `${MARK}: ${spelling}`).filter(({ length }) => length <= 500);

/** A circuit whose reason quotes what it was opened by. */
export const circuits = (channel: Channel): Pick<SharedCircuits, "read"> => ({
  read: async () =>
    channel === "email"
      ? new Map([
          [
            "smtp/default account",
            { at: 1, open: { since: 1, until: 2, wait: 1, reason: { code: "misconfigured", detail: `${MARK} ${ALL}` } } },
          ],
        ] as never)
      : new Map(),
});

export interface KnownPerson {
  /** Ids of notifications: failed, cancelled, waiting, and to an endpoint without a user. */
  notifications: string[];
}

export async function addKnownPerson(store: Store): Promise<KnownPerson> {
  const now = await store.time();
  await createApp(store.apps, APP, ["sms", "email", "apns", "fcm", "webpush"], { now });
  await store.webhooks.change(APP, () => [{ name: "crm", url: `https://crm.example.com/${WEBHOOK_SECRET}`, secrets: [{ sealed: "s" }] }]);
  for (const endpoint of ENDPOINTS)
    await store.contacts.register({
      app: APP,
      userId: USER,
      endpointId: endpointId(endpoint),
      endpoint,
      registeredAt: now,
      deviceLabel: LABEL,
    });
  await addChoices(store, now);
  await addActions(store, now);
  return { notifications: await addNotifications(store, now) };
}

async function addChoices({ preferences }: Store, now: number): Promise<void> {
  for (const [i, spelling] of SPELLINGS.entries()) {
    const subject = i % 2 === 0 ? userSubject(USER) : endpointSubject(endpointId(ENDPOINTS[i % ENDPOINTS.length]!));
    const origin = {
      actor: spelling.slice(0, 128),
      source: `${MARK} ${spelling}`.slice(0, 60),
      evidence: `${MARK}: ${spelling} ${EVIDENCE}`,
    };
    const block = { kind: "manual", reason: `${spelling} ${EVIDENCE}`.slice(0, 256), source: spelling, at: now } as const;
    await preferences.update(
      APP,
      subject,
      i % 2 === 0 ? { optOut: [{ channel: "*", category: `c${i}` }], origin } : { block: [block], origin },
      now + i,
    );
  }
}

async function addActions({ steering }: Store, at: number): Promise<void> {
  const by = { actor: COLLEAGUE, at };
  const targets = [
    { kind: "channel", value: "sms" },
    { kind: "account", value: "smtp/default" },
    { kind: "app", value: APP },
  ] as const;
  for (const [i, target] of targets.entries()) await steering.put({ ...by, target, state: "paused", reason: reasons[i + 5]! });
  const log = (id: string, action: string, target: string, reason: string, result: string) =>
    steering.log({ ...by, id, action, target, reason, result });
  for (const [i, reason] of reasons.entries()) {
    // Of redrives the last ten are shown, and of actions too.
    await log(`1-${String(i).padStart(3, "0")}`, "redrive-group", "sms rejected", reason, `stopped by ${COLLEAGUE}: 1 redriven`);
    await log(`2-${String(i).padStart(3, "0")}`, "pause", "channel:sms", reason, `${MARK}, by ${COLLEAGUE}`);
  }
}

async function addNotifications(store: Store, now: number): Promise<string[]> {
  const reason = (code: Reason["code"]): Reason => ({ code, detail: `${MARK}, ${COLLEAGUE}: ${ALL}` });
  const content: NotificationRecord["content"] = {
    sms: { text: CONTENT },
    push: { title: CONTENT, body: CONTENT },
    email: { subject: CONTENT, html: `<p>${CONTENT}</p>`, text: CONTENT },
  } as NotificationRecord["content"];
  const one = (key: string, about: Partial<Delivery>, over: Partial<NotificationRecord> = {}): NotificationRecord => {
    const n = sampleNotification(
      ENDPOINTS.map(() => now),
      { acceptedAt: now, sendAt: now - 1, expiresAt: now + 3_600_000, idempotencyKey: key, app: APP, id: notificationId(APP, key) },
    );
    const deliveries = n.deliveries.map((d, i): Delivery => {
      const endpoint = ENDPOINTS[i]!;
      return { ...d, channel: endpoint.channel, endpoint, endpointId: endpointId(endpoint), nextAt: now + 60_000, ...about };
    });
    const tags = Object.fromEntries(SPELLINGS.slice(0, 10).map((spelling, i) => [`t${i}`, spelling]));
    return { ...n, recipient: { kind: "user", userId: USER }, content, tags, deliveries, ...over };
  };
  const ended = { nextAt: undefined, endedAt: now };
  const all = [
    one(KEY, { ...ended, state: "failed", reason: reason("rejected") }),
    one(`${KEY}-b`, { ...ended, state: "cancelled", reason: reason("cancelled") }),
    one(`${KEY}-c`, { reason: reason("misconfigured") }),
    one(`${KEY}-d`, { ...ended, state: "failed", reason: reason("bounced") }, { recipient: { kind: "endpoint", endpoint: ENDPOINTS[0]! } }),
  ];
  await store.notifications.insert(all);
  for (const n of all)
    for (const { id: deliveryId } of n.deliveries) {
      const outcome = { kind: "misconfigured", reason: `${MARK}: ${ALL}` } as const;
      await store.attempts.claim([sampleAttempt({ deliveryId, startedAt: now, outcome, answeredAt: now + 1 })]);
    }
  return all.map(({ id }) => id);
}
