import type { AppRecord } from "../core/apps/app.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { AppRates } from "../core/ports/quota-counters.ts";
import type { BucketLimit } from "../core/quotas/bucket.ts";
import type { CancelNotificationsRequest, PreviewNotificationRequest } from "../gen/carillon/v1/notification_service.ts";
import type { CallError } from "../runtime/call-error.ts";
import type { CallContext } from "../runtime/handler.ts";
import type { Logger } from "../runtime/logger.ts";
import { createSampledLog } from "../runtime/sampled-log.ts";
import type { BlobHandlers } from "./blob-handlers.ts";
import type { CategoryHandlers } from "./category-handlers.ts";
import type { ContactHandlers } from "./contact-handlers.ts";
import type { ErasureHandlers } from "./erasure/erasure-handlers.ts";
import type { NotificationHandlers } from "./notification-handlers.ts";
import type { PreferenceForwardHandlers } from "./preference-handlers.ts";
import type { ProfileHandlers } from "./profile-handlers.ts";
import { quotaError } from "./quotas.ts";

/** Questions and changes of opt-outs that one unit pays for, as it does for deliveries. */
const OPT_OUTS_PER_UNIT = 10;
const optOutsCost = (count: number) => Math.max(1, Math.ceil(count / OPT_OUTS_PER_UNIT));

/** Bytes of a file that one unit pays for: by the default rate of 1,000 units a second an app puts 16 MB a second, which a store's disk can take. */
const FILE_BYTES_PER_UNIT = 16_384;
/** What an export or an erasure costs: either reads, or rewrites, many notifications. */
const ERASURE_COST = 100;
/** What a preview costs besides its content: it builds the requests of up to three providers of each channel. */
const PREVIEW_COST = 10;
/** Bytes of a mail that cost one more. Three requests are made of a mail, one of them a whole MIME message: 60 ms of CPU time for the largest. */
const PREVIEW_BYTES_PER_UNIT = 4_096;

function previewCost({ notification }: PreviewNotificationRequest): number {
  const { html = "", text = "", attachments = [] } = notification?.content?.email ?? {};
  const bytes = attachments.reduce((sum, { source }) => sum + (source?.value.length ?? 0), html.length + text.length);
  return PREVIEW_COST + Math.floor(bytes / PREVIEW_BYTES_PER_UNIT);
}

/** What a page of a search costs: it may read a thousand notifications. */
const LIST_COST = 20;
/** What a page of cancelling by user or key costs: it may change a thousand notifications. */
const CANCEL_PAGE_COST = 100;
const cancelCost = ({ cancelKey, userId }: CancelNotificationsRequest) => (cancelKey || userId ? CANCEL_PAGE_COST : 1);

/** Handlers whose calls use up a rate of their app. Sends have a rate of their own, by notification. */
export interface CallRate {
  blobs(handlers: BlobHandlers): BlobHandlers;
  notifications(handlers: NotificationHandlers): NotificationHandlers;
  contacts(handlers: ContactHandlers): ContactHandlers;
  preferences(handlers: PreferenceForwardHandlers): PreferenceForwardHandlers;
  categories(handlers: CategoryHandlers): CategoryHandlers;
  profiles(handlers: ProfileHandlers & ErasureHandlers): ProfileHandlers & ErasureHandlers;
}

export function createCallRate(parts: { rates: AppRates; limit: BucketLimit; clock: Pick<Clock, "monotonic">; log: Logger }): CallRate {
  const { rates, limit, clock, log } = parts;
  const logLimit = createSampledLog(log, "calls of an app that send nothing are rejected at their rate", () => clock.monotonic());

  /** For handlers of one request and of a stream of them. */
  function limited<Request, Response>(
    handler: (request: Request, context: CallContext<AppRecord>) => Promise<Response | CallError>,
    costOf: (request: Request) => number = () => 1,
  ): (request: Request, context: CallContext<AppRecord>) => Promise<Response | CallError> {
    return async (request, context) => {
      const { caller } = context;
      const { granted, waitMs } = await rates.take(caller.id, limit, 1);
      if (granted === 0) {
        const error = quotaError(caller, "RATE_LIMITED", `${limit.ratePerSecond} calls per second that send nothing`, waitMs);
        logLimit(error.reason, { app: caller.id });
        return error;
      }
      // What it costs beyond one unit is made up for by later calls.
      const cost = costOf(request);
      if (cost > 1) rates.charge(caller.id, limit, cost - 1);
      return handler(request, context);
    };
  }

  return {
    blobs: ({ putBlob, statBlob }) => ({
      statBlob: limited(statBlob),
      putBlob: limited(async (messages, context) => {
        let bytes = 0;
        async function* counted() {
          for await (const message of messages) {
            bytes += message.part?.$case === "chunk" ? message.part.value.length : 0;
            yield message;
          }
        }
        try {
          return await putBlob(counted(), context);
        } finally {
          // Also of what was refused in the end.
          rates.charge(context.caller.id, limit, Math.ceil(bytes / FILE_BYTES_PER_UNIT));
        }
      }),
    }),
    notifications: (handlers) => ({
      ...handlers,
      previewNotification: limited(handlers.previewNotification, previewCost),
      getNotification: limited(handlers.getNotification),
      listNotifications: limited(handlers.listNotifications, () => LIST_COST),
      cancelNotifications: limited(handlers.cancelNotifications, cancelCost),
    }),
    contacts: ({ registerContact, removeContact, listContacts }) => ({
      registerContact: limited(registerContact),
      removeContact: limited(removeContact),
      listContacts: limited(listContacts),
    }),
    profiles: ({ setProfile, getProfile, eraseUser, exportUser }) => ({
      setProfile: limited(setProfile),
      getProfile: limited(getProfile),
      eraseUser: limited(eraseUser, () => ERASURE_COST),
      // A stream has no answer to wait for: what it costs is made up for by later calls.
      exportUser: (request, context) => {
        rates.charge(context.caller.id, limit, ERASURE_COST);
        return exportUser(request, context);
      },
    }),
    preferences: ({ getPreferences, updatePreferences, listPreferenceChanges, liftBlock, createPreferencesLink, checkPreferences }) => ({
      getPreferences: limited(getPreferences),
      updatePreferences: limited(updatePreferences, ({ optOut, optIn, consent }) =>
        optOutsCost(optOut.length + optIn.length + consent.length),
      ),
      listPreferenceChanges: limited(listPreferenceChanges, ({ pageSize }) => optOutsCost(pageSize)),
      liftBlock: limited(liftBlock),
      createPreferencesLink: limited(createPreferencesLink),
      checkPreferences: limited(checkPreferences, ({ questions }) => optOutsCost(questions.length)),
    }),
    categories: ({ putCategory, listCategories, deleteCategory }) => ({
      putCategory: limited(putCategory),
      listCategories: limited(listCategories),
      deleteCategory: limited(deleteCategory),
    }),
  };
}
