import type { AppShares } from "../../adapters/nats/app-shares.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { AppRecord } from "../../core/apps/app.ts";
import { contentToProto } from "../../core/content/content.ts";
import { OVERRIDE_PROVIDERS } from "../../core/content/used-overrides.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { OptOuts } from "../../core/ports/opt-outs.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import { createOwnReading } from "../../core/ports/shared-reading.ts";
import type { Store } from "../../core/ports/store.ts";
import { type Accept, type AcceptResult, createAccept } from "../../gateway/accept.ts";
import { createLoad, type Load } from "../../gateway/load.ts";
import { createGatewayMetrics } from "../../gateway/metrics.ts";
import type { Quotas } from "../../gateway/quotas.ts";
import { type Notification, NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import type { CallError } from "../../runtime/call-error.ts";
import { compileValidator } from "../../runtime/grpc/validate.ts";
import { createLogger, type Logger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { ignoreEvents } from "./changes.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";
import { NO_OPTIONS } from "./no-options.ts";
import { noQuotas } from "./no-quotas.ts";
import { noShares } from "./no-shares.ts";

/** The app that a call is made for, unless it names another. */
export const CALLING_APP: AppRecord = {
  id: "app",
  channels: [...CHANNELS],
  limits: { overrides: [...OVERRIDE_PROVIDERS] },
  keys: [],
  version: 1,
};
const check = compileValidator("carillon.v1.Notification");
export const silentLog = createLogger("test", "error", { write() {} });
const allowAll: OptOuts = { check: async (questions) => questions.map(() => "allowed") };

export interface AcceptSetting {
  notifications?: Store["notifications"];
  contents?: Store["contents"];
  blobs?: Store["blobs"];
  contacts?: Store["contacts"];
  streamIsUp?: boolean;
  openMax?: number;
  insertsWaitingMax?: number;
  quotas?: Quotas;
  optOuts?: OptOuts;
  smsPrefixes?: readonly string[];
  smsSenders?: readonly string[];
  emailFrom?: readonly string[];
  channelsServed?: readonly Channel[];
  shares?: Pick<AppShares, "take">;
  log?: Logger;
}

export interface Accepting {
  load: Load;
  accepting: Accept;
  send(...messages: Notification[]): Promise<AcceptResult[]>;
  sendAs(app: AppRecord, ...messages: Notification[]): Promise<AcceptResult[]>;
}

/** Acceptance on a store in memory. */
export interface AcceptWorld {
  store: Store;
  clock: FakeClock;
  published: DeliveryTask[];
  setUp(setting?: AcceptSetting): Accepting;
  storedCount(): Promise<number>;
}

export async function createAcceptWorld(clock = createFakeClock()): Promise<AcceptWorld> {
  const store = await openStore("sqlite::memory:");
  const published: DeliveryTask[] = [];
  return {
    ...{ store, clock, published },
    storedCount: async () => (await store.notifications.count()).notifications,
    setUp({
      notifications = store.notifications,
      contents = store.contents,
      blobs = store.blobs,
      contacts = store.contacts,
      streamIsUp = true,
      openMax = 1_000,
      insertsWaitingMax = 1_000,
      quotas = noQuotas,
      shares = noShares,
      log = silentLog,
      optOuts = allowAll,
      smsPrefixes,
      smsSenders,
      emailFrom,
      channelsServed,
    } = {}) {
      const load = createLoad(notifications, openMax, { clock, log, read: createOwnReading(clock) });
      const accepting = createAccept({
        ...{ load, quotas, shares, optOuts, clock, log, insertsWaitingMax, smsPrefixes, smsSenders, emailFrom, channelsServed },
        ...{ watchdogFirstMs: 30_000, failpoint: () => {}, pushHosts: [], recorder: ignoreEvents },
        store: { notifications, contents, blobs, contacts },
        publisher: {
          async publish(task) {
            published.push(task);
            return streamIsUp;
          },
        },
        metrics: createGatewayMetrics(createMetrics("test")),
      });
      const sendAs = (app: AppRecord, ...messages: Notification[]) =>
        accepting.accept(
          app,
          messages.map((message, i) => {
            const path = `notifications[${i}]`;
            return { message, path, violations: check(message).map((v) => ({ ...v, field: `${path}.${v.field}` })) };
          }),
        );
      return { load, accepting, sendAs, send: (...messages) => sendAs(CALLING_APP, ...messages) };
    },
  };
}

/** A text message to one phone number. */
export const smsMessage = (key: string, over: Partial<Notification> = {}): Notification => ({
  ...NO_OPTIONS,
  ...{ idempotencyKey: key, category: "orders" },
  recipient: { to: { $case: "endpoint", value: { address: { $case: "phoneNumber", value: "+4915112345678" } } } },
  notificationClass: NotificationClass.NOTIFICATION_CLASS_TRANSACTIONAL,
  content: contentToProto({ sms: { text: "hello" } }),
  ...over,
});

/** A push to the registered endpoints of a user. */
export const pushMessage = (key: string, userId: string, over: Partial<Notification> = {}): Notification =>
  smsMessage(key, {
    recipient: { to: { $case: "userId", value: userId } },
    content: contentToProto({ push: { title: "t", body: "b", data: {} } }),
    ...over,
  });

export const errorOf = (result: AcceptResult | undefined): CallError | undefined =>
  result?.kind === "rejected" ? result.error : undefined;

export const toAnn = {
  recipient: { to: { $case: "endpoint", value: { address: { $case: "emailAddress", value: "ann@example.com" } } } },
} as const;
/** An SMS and a mail with this text, to a mailbox. */
export const mailMessage = (key: string, text: string): Notification =>
  smsMessage(key, {
    ...toAnn,
    content: contentToProto({ sms: { text: "hello" }, email: { subject: "s", html: "", text } }),
  });
