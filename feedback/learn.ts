import { endpointId } from "../adapters/ids.ts";
import { accountNameOf } from "../core/delivery/account.ts";
import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import type { Receipt } from "../core/delivery/receipt.ts";
import { learnedChange, stillToDo } from "../core/preferences/learned.ts";
import { endpointSubject, userSubject } from "../core/preferences/opt-out.ts";
import { refusing } from "../core/preferences/refuse.ts";
import { changeOnce } from "./change-once.ts";
import type { PreferenceAccess } from "./choices.ts";
import type { FeedbackMetrics } from "./metrics.ts";

/**
 * Keeps what a receipt says of the recipient: a block of the endpoint, or an opt-out. Also where the delivery has ended long ago, as with a bounce after
 * it was reported as delivered. Rejects with a StoreError where the store is unavailable.
 */
export function createLearn({ preferences, metrics }: { preferences: PreferenceAccess; metrics: FeedbackMetrics }) {
  return async (receipt: Receipt, notification: NotificationRecord, delivery: Delivery): Promise<void> => {
    const { learned, provider, attemptId, at } = receipt;
    const { endpoint, copy, state } = delivery;
    if (learned === undefined || endpoint === undefined) return;
    const { app, recipient, category } = notification;
    const { about, change } = learnedChange(learned, { provider, pool: poolOf(notification), category, attemptId, at });
    // A copy of a mail is another person's.
    const isUsers = about === "user" && recipient.kind === "user" && copy === undefined;
    const subject = isUsers ? userSubject(recipient.userId) : endpointSubject(endpointId(endpoint));
    let result = await changeOnce(preferences, { app, subject }, (record) => stillToDo(record, change));
    // An opt-out of every mail is always possible.
    const whole = { channel: "email", category: "*" } as const;
    if (result === "too-many") result = await changeOnce(preferences, { app, subject }, (record) => refusing(record, whole, change.origin));
    metrics.learned.inc({ provider, account: accountNameOf(receipt), kind: learned.kind, state, result });
  };
}

/** The name of a text's sender; undefined where the content is kept apart, so that it is not known. */
const poolOf = ({ content, contentHashes }: NotificationRecord): string | undefined =>
  content.sms === undefined || contentHashes?.sms !== undefined ? undefined : (content.sms.sender ?? "");
