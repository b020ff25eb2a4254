import { endpointId } from "../../adapters/ids.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { Store } from "../../core/ports/store.ts";
import { endpointSubject, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import type { Choices } from "../../gateway/erasure/choices.ts";
import { type EraseUserParts, eraseUser } from "../../gateway/erasure/erase-user.ts";
import { createErasureKey } from "../../gateway/erasure/erasure-key.ts";
import { createTombstones, type Tombstones } from "../../gateway/erasure/tombstones.ts";
import { ignoreEvents } from "./changes.ts";
import { createFakeClock } from "./fake-clock.ts";
import { hexId, sampleAttempt, sampleChange, sampleNotification, T0 } from "./store/samples.ts";

export const SECRET = "k".repeat(32);
export const key = createErasureKey(SECRET);
export const ADA = "ada-lovelace";
export const MAIL = { channel: "email", address: "ada@example.com" } as const;
export const FAMILY = { channel: "email", address: "family@example.com" } as const;
export const TOKEN = { channel: "apns", token: "ad".repeat(32) } as const;
export const ASKED = { app: "shop", userId: ADA, requestedBy: "support, letter 731" };

export const choice = (channel: OptOut["channel"], category: string): OptOut => ({ channel, category });
export const now = T0 + 60_000;
export const clock = createFakeClock(now);

/** As the preferences service does it, without Redis. */
export const choicesOf = (store: Pick<Store, "preferences">): Choices => ({
  ofUser: async (app, userId, change) => void (await store.preferences.update(app, userSubject(userId), { ...change, origin: {} }, now)),
  ofEndpoint: async (app, endpoint, change) =>
    void (await store.preferences.update(app, endpointSubject(endpointId(endpoint)), { ...change, origin: {} }, now)),
});

export const tombstonesOf = (store: Pick<Store, "preferences">): Tombstones =>
  createTombstones({ store: store.preferences, choices: choicesOf(store), key, clock });
export const partsOf = (store: Store): EraseUserParts => ({
  ...{ store, choices: choicesOf(store), tombstones: tombstonesOf(store), key, recorder: ignoreEvents, clock },
});
export const erase = (store: Store, hasTime: () => boolean = () => true) => eraseUser(partsOf(store), ASKED, hasTime);

export async function insert(store: Store, record: NotificationRecord, isEnded = true): Promise<NotificationRecord> {
  await store.notifications.insert([record]);
  if (!isEnded) return record;
  await store.attempts.claim([
    sampleAttempt({ deliveryId: `${record.id}-0`, outcome: { kind: "accepted", providerRef: "SM731" }, answeredAt: T0 }),
  ]);
  const end = { state: "sent", providerRef: "SM731", nextAt: undefined, endedAt: T0 + 5 } as const;
  await store.notifications.change([sampleChange(record, 0, end)]);
  return record;
}

/** A user with everything, beside another one who shares a mailbox. */
export async function withAda({ notifications: count = 120 }: { notifications?: number } = {}) {
  const store = await openStore("sqlite::memory:");
  const register = (userId: string, endpoint: Endpoint) =>
    store.contacts.register({ app: "shop", userId, endpointId: endpointId(endpoint), endpoint, registeredAt: T0 });
  for (const endpoint of [MAIL, FAMILY, TOKEN]) await register(ADA, endpoint);
  await register("charles", FAMILY);
  await store.profiles.put("shop", ADA, { timeZone: "Europe/London" }, T0);
  const origin = { actor: ADA, source: "phone", evidence: "letter-of-ada" };
  await store.preferences.update("shop", userSubject(ADA), { optOut: [choice("email", "news"), choice("sms", "*")], origin }, T0);
  await store.preferences.update("shop", userSubject(ADA), { consent: [choice("apns", "news")], origin }, T0);
  const reason = `550 no mailbox ${MAIL.address}`;
  const block = [{ kind: "bounce", reason, source: "smtp", at: T0 } as const];
  await store.preferences.update("shop", endpointSubject(endpointId(MAIL)), { block, origin }, T0);
  const recipients = [{ kind: "user", userId: ADA } as const, { kind: "endpoint", endpoint: MAIL } as const];
  const deliveriesOf = (id: string) =>
    sampleNotification([T0], { id }).deliveries.map((d) => ({ ...d, channel: "email" as const, endpoint: MAIL }));
  const notifications: NotificationRecord[] = [];
  for (let i = 0; i < count; i++) {
    const id = hexId();
    const over = { id, recipient: recipients[i % 2]!, content: { sms: { text: "Your code is 731" } }, idempotencyKey: `${ADA}-${i}` };
    notifications.push(await insert(store, sampleNotification([T0], { ...over, deliveries: deliveriesOf(id) }), i % 10 !== 0));
  }
  const others = [
    await insert(store, sampleNotification([T0], { recipient: { kind: "user", userId: "charles" } })),
    await insert(store, sampleNotification([T0], { recipient: { kind: "endpoint", endpoint: FAMILY } })),
    await insert(store, sampleNotification([T0], { recipient: { kind: "user", userId: ADA }, app: "bank" })),
  ];
  return { store, notifications, others, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}
