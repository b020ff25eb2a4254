import type { Channel, NotificationClass } from "./channel.ts";
import type { DeliveryState, EndState } from "./notification.ts";
import type { Reason } from "./reason.ts";

/** What happened to a delivery. An end has its state's name; `repeated`: a retry of an attempt in doubt. */
export type DeliveryEventKind = "accepted" | "published" | "attempted" | "retried" | "repeated" | "in-doubt" | "redriven" | EndState;

/** Something that happened to a delivery, with all that metrics and logs need to know of it. */
export interface DeliveryEvent {
  kind: DeliveryEventKind;
  notificationId: string;
  deliveryId: string;
  channel: Channel;
  notificationClass: NotificationClass;
  category: string;
  /** After the event. */
  state: DeliveryState;
  attempt: number;
  reason?: Reason | undefined;
  /** ms since the epoch. */
  at: number;
}
