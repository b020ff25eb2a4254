import type { OutboundDelivery } from "../ports/provider.ts";
import type { DeliveryTask } from "../ports/queue.ts";

/** A task as its provider is given it. */
export function outboundOf(task: DeliveryTask, attemptId: string): OutboundDelivery {
  const {
    deliveryId,
    app,
    channel,
    endpoint,
    shownTo,
    unsubscribeUrl,
    notificationClass,
    category,
    content,
    priority,
    expiresAt,
    ttlSeconds,
  } = task;
  // A copy of what may have been sent would replace whatever newer push has the caller's key by now. Without it, it replaces its twin at most.
  const collapseKey = task.policyResend ? undefined : task.collapseKey;
  const rest = { shownTo, unsubscribeUrl, expiresAt, ttlSeconds };
  return { deliveryId, attemptId, app, channel, endpoint, notificationClass, category, content, priority, collapseKey, ...rest };
}
