import { contentPart } from "./channel.ts";
import type { Delivery, NotificationRecord } from "./notification.ts";
import type { DeliveryTask } from "./ports/queue.ts";

/** The task that asks for a delivery's current attempt. */
export function toTask(n: NotificationRecord, d: Delivery): DeliveryTask {
  if (d.endpoint === undefined) throw new Error(`delivery ${d.id} is open without an endpoint`);
  const part = contentPart(d.channel);
  return {
    notificationId: n.id,
    deliveryId: d.id,
    attempt: d.attempt,
    publication: d.publications,
    app: n.app,
    userId: n.recipient.kind === "user" ? n.recipient.userId : undefined,
    channel: d.channel,
    endpoint: d.endpoint,
    endpointId: d.endpointId,
    notificationClass: n.notificationClass,
    category: n.category,
    priority: n.priority,
    collapseKey: n.collapseKey,
    expiresAt: n.expiresAt,
    content: { [part]: n.content[part] },
    policyResend: d.policyResend ?? false,
    traceparent: n.traceparent,
  };
}
