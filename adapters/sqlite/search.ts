import type { DatabaseSync } from "node:sqlite";
import type { NotificationStore } from "../../core/ports/notification-store.ts";
import { notificationOf } from "./notification-of.ts";
import { recipientValues } from "./recipient-key.ts";
import { readDurable } from "./transact.ts";

const RANGE = "n.accepted_at >= :from and (n.accepted_at, n.id) < (:acceptedAt, :id)";
const LATEST = "order by n.accepted_at desc, n.id desc limit :limit";

/** Each query reads one index, in its order: what is behind the limit is not read. */
export function createSearchReads(database: DatabaseSync): Pick<NotificationStore, "search" | "openOfApp"> {
  const all = database.prepare(
    `select n.doc from notifications n indexed by notifications_accepted where n.app = :app and ${RANGE} ${LATEST}`,
  );
  const toRecipient = database.prepare(
    `select n.doc from notifications n indexed by notifications_to_recipient where n.recipient_crc = :crc and n.app = :app and n.recipient = :recipient and ${RANGE} ${LATEST}`,
  );
  const tagged = database.prepare(`
    select n.doc from notification_tags t join notifications n on n.id = t.notification
    where t.app = :app and t.tag = :tag and t.accepted_at >= :from and (t.accepted_at, t.notification) < (:acceptedAt, :id)
    order by t.accepted_at desc, t.notification desc limit :limit`);
  const open = database.prepare("select doc from notifications indexed by notifications_app_due where app = ? and due is not null limit ?");
  return {
    search: async (app, source, { from, before: { acceptedAt, id } }, limit) =>
      readDurable(database, () => {
        const values = { app, from, acceptedAt, id, limit: Math.max(0, limit) };
        switch (source.kind) {
          case "all":
            return all.all(values).map(notificationOf);
          case "recipient":
            return toRecipient.all({ ...values, ...recipientValues(app, source.recipient) }).map(notificationOf);
          case "tag":
            return tagged.all({ ...values, tag: source.tag }).map(notificationOf);
        }
      }),
    openOfApp: async (app, limit) => readDurable(database, () => open.all(app, Math.max(0, limit)).map(notificationOf)),
  };
}
