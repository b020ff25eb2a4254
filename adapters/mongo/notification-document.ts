import { dueAt, endedAt, type NotificationRecord } from "../../core/delivery/notification.ts";
import { failedAt } from "../store/failures.ts";
import { readNotification, type StoredDelivery, type StoredNotification } from "../store/stored.ts";

/** As it is kept, with what is looked for, absent where there is nothing to look for, and with marks by which a writer knows its own writes. */
export interface NotificationDocument extends Omit<StoredNotification, "id" | "content" | "deliveries"> {
  _id: string;
  /** JSON: the keys of a caller's data may hold dots and dollars. */
  content: string;
  deliveries: DeliveryDocument[];
  /** When somebody must look again, by any delivery; absent once all have ended. */
  due?: number | undefined;
  /** When the last delivery ended; absent while one is open. */
  endedAt?: number | undefined;
  /** A purge has begun to remove it: nobody finds or changes it any more, and its id is not free yet. */
  purging?: true | undefined;
  /** Place in the order of failures: when a delivery last failed; absent while none is. */
  failedAt?: number | undefined;
  /** Token of the last taker. */
  taker?: string | undefined;
}
interface DeliveryDocument extends StoredDelivery {
  /** Tokens of the last changes, the newest first. */
  changes?: string[] | undefined;
}

export const encode = ({ id, content, ...rest }: NotificationRecord): NotificationDocument => ({
  _id: id,
  ...rest,
  content: JSON.stringify(content),
  due: dueAt(rest.deliveries),
  endedAt: endedAt(rest),
  failedAt: failedAt(rest.deliveries),
});

export const decode = ({
  _id,
  content,
  deliveries,
  due: _due,
  endedAt: _endedAt,
  purging: _purging,
  failedAt: _failedAt,
  taker: _taker,
  ...rest
}: NotificationDocument): NotificationRecord =>
  readNotification({
    id: _id,
    ...rest,
    content: JSON.parse(content) as StoredNotification["content"],
    deliveries: deliveries.map(({ changes: _changes, ...delivery }) => delivery),
  });
