import type { Collection } from "mongodb";
import { RELEASE_MS } from "../../core/content/reference.ts";
import { referencesOf, withoutContent } from "../../core/delivery/content-deletion.ts";
import type { Store } from "../../core/ports/store.ts";
import { type ContentDocument, keyOf } from "./contents.ts";
import { completeEndedAt, type MigrationDocument } from "./ended-at.ts";
import { asStoreError } from "./errors.ts";
import { decode, encode, type NotificationDocument } from "./notification-document.ts";
import { endedBefore } from "./purge.ts";
import type { MongoReferences } from "./references.ts";

/**
 * Store.deleteContent without transactions: in each notification the content is first deleted, in one write with `contentDeletedAt`, which keeps it from
 * being opened again; then its large contents are released. An interruption between the two leaves a content until its own time is over.
 */
export const createDeleteContent =
  (
    notifications: Collection<NotificationDocument>,
    contents: Collection<ContentDocument>,
    { references, migrations }: { references: MongoReferences; migrations: Collection<MigrationDocument> },
  ): Store["deleteContent"] =>
  (of, now, limit) =>
    asStoreError("delete contents", async () => {
      if (limit <= 0) return { notifications: 0 };
      await completeEndedAt(notifications, migrations);
      const whole = { ...endedBefore(of), contentGone: { $exists: false }, purging: { $exists: false } } as const;
      const found = await notifications.find(whole, { sort: { endedAt: 1 }, limit }).toArray();
      const [first] = found;
      if (first === undefined) return { notifications: 0 };
      const updates = found.map((document) => {
        const { content, smsSizeApart, contentDeletedAt } = encode(withoutContent(decode(document), now));
        const set = { content, contentDeletedAt, contentGone: true as const, ...(smsSizeApart && { smsSizeApart }) };
        const update = { $set: set, $unset: { contentHashes: "", richApart: "", blobIds: "" } as const };
        return { updateOne: { filter: { _id: document._id, ...whole }, update } };
      });
      const { modifiedCount } = await notifications.bulkWrite(updates, { ordered: false });
      for (const { app, _id, contentHashes } of found)
        for (const hash of referencesOf({ contentHashes }).contents)
          if (!(await references.toContent(app, hash, _id)))
            await contents.updateOne({ _id: keyOf({ app, hash }) }, { $min: { keepUntil: now + RELEASE_MS } });
      return { notifications: modifiedCount, oldest: first.endedAt };
    });
