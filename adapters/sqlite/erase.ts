import type { DatabaseSync } from "node:sqlite";
import { erasedAttempt, erasedNotification, isErased } from "../../core/delivery/erasure.ts";
import { dueAt } from "../../core/delivery/notification.ts";
import type { Store } from "../../core/ports/store.ts";
import { readAttempt, type StoredAttempt } from "../store/stored.ts";
import { notificationOf } from "./notification-of.ts";
import { recipientValues } from "./recipient-key.ts";
import { createReferences } from "./references.ts";
import { createTags } from "./tags.ts";
import { transact } from "./transact.ts";

export interface EraseWrites {
  erase: Store["erase"];
}

/** Store.erase, each call one transaction. */
export function createEraseWrites(database: DatabaseSync): EraseWrites {
  const find = database.prepare("select doc from notifications where id = ?");
  const replace = database.prepare(
    "update notifications set content_gone = 1, recipient = :recipient, recipient_crc = :crc, cancel_key = null, doc = :doc where id = :id",
  );
  // A hyphen follows the notification's id; a tilde sorts behind it.
  const attemptsOf = database.prepare("select id, doc from attempts where id >= ? || '-' and id < ? || '~'");
  const replaceAttempt = database.prepare("update attempts set doc = ? where id = ?");
  const removeAttributions = database.prepare("delete from attributions where attempt >= ? || '-' and attempt < ? || '~'");
  const removePoison = database.prepare("delete from poison where id >= ? || '-' and id < ? || '~'");
  const references = createReferences(database);
  const tags = createTags(database);

  return {
    erase: (ids, now) =>
      transact(database, () => {
        const counts = { notifications: 0, attempts: 0, attributions: 0, poison: 0, contents: 0, blobs: 0 };
        for (const id of ids) {
          const row = find.get(id);
          const record = row && notificationOf(row);
          if (!record || dueAt(record.deliveries) !== undefined || isErased(record)) continue;
          const released = references.drop(record, { contents: now, blobs: now });
          tags.drop(record);
          counts.contents += released.contents;
          counts.blobs += released.blobs;
          counts.attributions += Number(removeAttributions.run(id, id).changes);
          counts.poison += Number(removePoison.run(id, id).changes);
          for (const attempt of attemptsOf.all(id, id)) {
            const erased = erasedAttempt(readAttempt(JSON.parse(String(attempt.doc)) as StoredAttempt));
            counts.attempts += Number(replaceAttempt.run(JSON.stringify(erased), String(attempt.id)).changes);
          }
          const erased = erasedNotification(record, now);
          counts.notifications += Number(
            replace.run({ ...recipientValues(record.app, erased.recipient), doc: JSON.stringify(erased), id }).changes,
          );
        }
        return counts;
      }),
  };
}
