import { type Delivery, dueAt, type NotificationRecord } from "../../core/notification.ts";

/** As it is kept: the outbox's `due`, absent once every delivery has ended, and marks by which a writer knows its own writes. */
export interface NotificationDocument extends Omit<NotificationRecord, "id" | "content" | "deliveries"> {
  _id: string;
  /** JSON: the keys of a caller's data may hold dots and dollars. */
  content: string;
  deliveries: StoredDelivery[];
  due?: number | undefined;
  /** Token of the last taker. */
  taker?: string | undefined;
}
interface StoredDelivery extends Delivery {
  /** Tokens of the last changes, the newest first. */
  changes?: string[] | undefined;
}

export const encode = ({ id, content, ...rest }: NotificationRecord): NotificationDocument => {
  const due = dueAt(rest.deliveries);
  return { _id: id, ...rest, content: JSON.stringify(content), ...(due === undefined ? {} : { due }) };
};

export const decode = ({ _id, content, deliveries, due: _due, taker: _taker, ...rest }: NotificationDocument): NotificationRecord => ({
  id: _id,
  ...rest,
  content: JSON.parse(content) as NotificationRecord["content"],
  deliveries: deliveries.map(({ changes: _changes, ...delivery }) => delivery),
});
