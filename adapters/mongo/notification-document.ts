import { dueAt, endedAt, type NotificationRecord } from "../../core/delivery/notification.ts";
import { outboxPlace } from "../../core/delivery/outbox-key.ts";
import { tagTexts } from "../../core/delivery/search.ts";
import { failedAt } from "../store/failures.ts";
import { readNotification, type StoredDelivery, type StoredNotification } from "../store/stored.ts";

/** A stored notification, with the fields that queries use and the tokens by which a writer recognises its own writes. */
export interface NotificationDocument extends Omit<StoredNotification, "id" | "content" | "deliveries"> {
  _id: string;
  /** JSON: the keys of a caller's data may hold dots and dollars. */
  content: string;
  deliveries: DeliveryDocument[];
  /** The earliest `nextAt` of the deliveries; absent once all have ended. */
  due?: number | undefined;
  /** core/delivery/outbox-key.ts; absent once all have ended, and where only an earlier version wrote it. */
  outboxKey?: string | undefined;
  /** core/delivery/outbox-key.ts; absent as `outboxKey` is. */
  laterDue?: number | undefined;
  /** When the last delivery ended; absent while one is open. */
  endedAt?: number | undefined;
  /** Its content was deleted: the place in the index of what has ended. */
  contentGone?: true | undefined;
  /** key=value of each of its tags; absent where it has none. */
  tagTexts?: string[] | undefined;
  /** A purge has begun to remove it: it is no longer found or changed, and its id is still in use. */
  purging?: true | undefined;
  /** When a delivery last failed: the place in the order of failures. Absent while no delivery is failed. */
  failedAt?: number | undefined;
  /** Token of the last lease. */
  taker?: string | undefined;
}
interface DeliveryDocument extends StoredDelivery {
  /** Tokens of the last changes, newest first. */
  changes?: string[] | undefined;
}

export function encode({ id, content, ...rest }: NotificationRecord): NotificationDocument {
  const place = outboxPlace(rest);
  const texts = tagTexts(rest);
  return {
    _id: id,
    ...rest,
    content: JSON.stringify(content),
    due: dueAt(rest.deliveries),
    outboxKey: place?.key,
    laterDue: place?.laterDue,
    endedAt: endedAt(rest),
    failedAt: failedAt(rest.deliveries),
    ...(texts.length > 0 && { tagTexts: texts }),
  };
}

export const decode = ({
  _id,
  content,
  deliveries,
  due: _due,
  outboxKey: _outboxKey,
  laterDue: _laterDue,
  endedAt: _endedAt,
  contentGone: _contentGone,
  purging: _purging,
  failedAt: _failedAt,
  tagTexts: _tagTexts,
  taker: _taker,
  ...rest
}: NotificationDocument): NotificationRecord =>
  readNotification({
    id: _id,
    ...rest,
    content: JSON.parse(content) as StoredNotification["content"],
    deliveries: deliveries.map(({ changes: _changes, ...delivery }) => delivery),
  });
