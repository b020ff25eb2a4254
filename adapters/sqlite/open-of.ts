import type { DatabaseSync } from "node:sqlite";
import type { CancelSelection, NotificationStore, Place } from "../../core/ports/notification-store.ts";
import { notificationOf } from "./notification-of.ts";
import { recipientValues } from "./recipient-key.ts";
import { readDurable } from "./transact.ts";

const BY_KEY = "indexed by notifications_cancel_key where app = :app and cancel_key = :cancelKey";
const OF_USER = "recipient_crc = :crc and recipient = :recipient";
const BY_USER = `indexed by notifications_to_recipient where app = :app and ${OF_USER}`;

/** What is open of a user or under a cancel key. A key is the narrower of the two: its index holds only what is open. */
export function createOpenOf(database: DatabaseSync): Pick<NotificationStore, "openOf" | "countOpenOf"> {
  const found = (columns: string, by: string) =>
    database.prepare(
      `select ${columns} from notifications ${by} and due is not null and (accepted_at, id) > (:acceptedAt, :id) order by accepted_at, id limit :limit`,
    );
  const prepared = (by: string) => {
    const rows = found("doc", by);
    const counted = database.prepare(`select count(*) as count from (${found("1", by).sourceSQL})`);
    return { rows, counted };
  };
  const [byKey, byBoth, byUser] = [prepared(BY_KEY), prepared(`${BY_KEY} and ${OF_USER}`), prepared(BY_USER)];
  const query = (app: string, { userId, cancelKey }: CancelSelection, { acceptedAt, id }: Place, limit: number) => {
    const values = {
      ...{ app, acceptedAt, id, limit: Math.max(0, limit) },
      ...(userId !== undefined && recipientValues(app, { kind: "user", userId })),
      ...(cancelKey !== undefined && { cancelKey }),
    };
    const by = cancelKey === undefined ? byUser : userId === undefined ? byKey : byBoth;
    return { by, values };
  };
  return {
    openOf: async (app, selection, after, limit) =>
      readDurable(database, () => {
        const { by, values } = query(app, selection, after, limit);
        return by.rows.all(values).map(notificationOf);
      }),
    countOpenOf: async (app, selection, after, limit) =>
      readDurable(database, () => {
        const { by, values } = query(app, selection, after, limit);
        return Number(by.counted.get(values)?.count);
      }),
  };
}
