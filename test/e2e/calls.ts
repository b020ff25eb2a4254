// Calls of the API in one line each.

import { setTimeout as delay } from "node:timers/promises";
import { openStore } from "../../adapters/store/open-store.ts";
import { endpointToProto } from "../../adapters/wire/convert.ts";
import type { Clients } from "../../cli/gateway/connect.ts";
import { contentToProto } from "../../core/content/content.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { type Delivery, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import type { Category } from "../../gen/carillon/v1/category_service.ts";
import { ContactServiceService } from "../../gen/carillon/v1/contact_service.ts";
import {
  type Accepted,
  type Notification,
  NotificationClass,
  NotificationServiceService,
  type Recipient,
} from "../../gen/carillon/v1/notification_service.ts";
import { type OptOut, PreferenceServiceService, type Subject } from "../../gen/carillon/v1/preference_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { type CallDetails, readDetails } from "../../runtime/grpc/status.ts";
import { fresh } from "../support/fresh.ts";
import { NO_OPTIONS } from "../support/no-options.ts";
import { updateRequest } from "../support/preference-requests.ts";

export const CRITICAL = NotificationClass.NOTIFICATION_CLASS_CRITICAL;
const TRANSACTIONAL = NotificationClass.NOTIFICATION_CLASS_TRANSACTIONAL;

export const toUser = (userId: string): Recipient => ({ to: { $case: "userId", value: userId } });
export const toEndpoint = (endpoint: Endpoint): Recipient => ({ to: { $case: "endpoint", value: endpointToProto(endpoint) } });
export const mail = (address: string): Endpoint => ({ channel: "email", address });
export const phone = (phoneNumber: string): Endpoint => ({ channel: "sms", phoneNumber });

/** A transactional notification with content for every channel, by default to one mailbox. */
export const notification = (about: Partial<Notification> = {}): Notification => ({
  ...NO_OPTIONS,
  idempotencyKey: fresh("key"),
  recipient: toEndpoint(mail(`${fresh("ada")}@example.com`)),
  notificationClass: TRANSACTIONAL,
  category: "orders",
  content: contentToProto({
    push: { title: "Your order", body: "It is on its way.", data: { order: "17" } },
    sms: { text: "Your order is on its way." },
    email: { subject: "Your order", html: "", text: "It is on its way." },
  }),
  ...about,
});

/** Every field as it is where nothing is asked. */
export const NO_CATEGORY: Category = {
  ...{ name: "", labels: {}, notificationClass: 0, default: 0, channelsOff: [], hidden: false, order: 0 },
  ...{ unsubscribeTransactional: false, cap: undefined, quietHours: 0, tenantDefaults: {} },
};

/** Rejects with a ServiceError; readDetails() reads it. */
export async function send({ clients }: { clients: Clients }, about: Partial<Notification> = {}): Promise<Accepted> {
  const { accepted } = await callUnary(clients.notifications, NotificationServiceService.sendNotification, {
    notification: notification(about),
    validateOnly: false,
  });
  if (!accepted) throw new Error("an answer without a result");
  return accepted;
}

/** Resolves to the results, each accepted or an error. */
export async function sendBatch({ clients }: { clients: Clients }, notifications: Notification[]) {
  const { results } = await callUnary(clients.notifications, NotificationServiceService.batchSendNotifications, { notifications });
  return results.map(({ result }) => result);
}

export const get = ({ clients }: { clients: Clients }, notificationId: string) =>
  callUnary(clients.notifications, NotificationServiceService.getNotification, { notificationId });

export const register = ({ clients }: { clients: Clients }, userId: string, endpoint: Endpoint) =>
  callUnary(clients.contacts, ContactServiceService.registerContact, { userId, endpoint: endpointToProto(endpoint) });

export const optOut = ({ clients }: { clients: Clients }, who: string | Endpoint, optOut: Partial<OptOut> = {}) => {
  const subject: Subject["subject"] =
    typeof who === "string" ? { $case: "userId", value: who } : { $case: "endpoint", value: endpointToProto(who) };
  const optOuts = [{ channel: 0 as const, category: "", ...optOut }];
  return callUnary(
    clients.preferences,
    PreferenceServiceService.updatePreferences,
    updateRequest({ subject: { subject }, optOut: optOuts }),
  );
};

/** The error of a call that must fail. */
export const rejectionOf = async (call: Promise<unknown>): Promise<CallDetails> =>
  call.then(
    () => {
      throw new Error("it was accepted");
    },
    (error: unknown) => readDetails(error),
  );

const POLL_MS = 50;

/** The notifications, once all their deliveries satisfy `is`; rejects after `waitMs` with those that do not. */
export async function settled(
  { storeUrl }: { storeUrl: string },
  notificationIds: readonly string[],
  { is = hasEnded, waitMs = 90_000 }: { is?: (d: Delivery) => boolean; waitMs?: number } = {},
): Promise<NotificationRecord[]> {
  await using store = await openStore(storeUrl);
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    const found = await Promise.all(notificationIds.map((id) => store.notifications.find(id)));
    const records = found.filter((n) => n !== undefined);
    const open = records.flatMap((n) => n.deliveries.filter((d) => !is(d)));
    if (records.length === notificationIds.length && open.length === 0) return records;
    if (performance.now() > giveUpAt) {
      const examples = open.slice(0, 3).map((d) => `${d.id} ${d.channel} ${d.state} attempt ${d.attempt}, publish count ${d.publishCount}`);
      throw new Error(
        `after ${waitMs} ms ${notificationIds.length - records.length} unknown, ${open.length} not as expected: ${examples.join("; ")}`,
      );
    }
    await delay(POLL_MS);
  }
}

/** Sent, with or without a receipt. */
export const wentOut = ({ state }: Delivery) => state === "sent" || state === "delivered";

const hasEnded = (d: Delivery) => !isOpen(d.state);

/** The one delivery of a notification, once it has ended. */
export async function ended(system: { storeUrl: string }, { notificationId }: Accepted, waitMs?: number): Promise<Delivery> {
  const [record] = await settled(system, [notificationId], waitMs === undefined ? {} : { waitMs });
  const [delivery, ...more] = record!.deliveries;
  if (!delivery || more.length > 0) throw new Error(`${record!.deliveries.length} deliveries`);
  return delivery;
}
