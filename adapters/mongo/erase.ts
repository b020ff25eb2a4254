import type { Collection } from "mongodb";
import { RELEASE_MS } from "../../core/content/reference.ts";
import { referencesOf } from "../../core/delivery/content-deletion.ts";
import { erasedAttempt, erasedNotification, isErased } from "../../core/delivery/erasure.ts";
import type { ErasedCounts, Store } from "../../core/ports/store.ts";
import { type AttemptDocument, type AttributionDocument, decodeAttempt } from "./attempts.ts";
import { addressOf, type BlobDocument } from "./blobs.ts";
import { type ContentDocument, keyOf } from "./contents.ts";
import { asStoreError } from "./errors.ts";
import { decode, encode, type NotificationDocument } from "./notification-document.ts";
import type { PoisonDocument } from "./poison.ts";
import type { MongoReferences } from "./references.ts";

interface EraseParts {
  notifications: Collection<NotificationDocument>;
  attempts: Collection<AttemptDocument>;
  attributions: Collection<AttributionDocument>;
  poison: Collection<PoisonDocument>;
  contents: Collection<ContentDocument>;
  blobs: Collection<BlobDocument>;
  references: MongoReferences;
}

/** Store.erase without transactions: the notification comes last, so that what was interrupted is found by its recipient and done again. */
export const createErase =
  (parts: EraseParts): Store["erase"] =>
  (ids, now) =>
    asStoreError("erase notifications", async () => {
      const counts: ErasedCounts = { notifications: 0, attempts: 0, attributions: 0, poison: 0, contents: 0, blobs: 0 };
      const ended = { due: { $exists: false }, endedAt: { $exists: true }, purging: { $exists: false } } as const;
      const found = await parts.notifications.find({ _id: { $in: [...ids] }, ...ended }).toArray();
      for (const document of found) await eraseOne(document);
      return counts;

      async function eraseOne(document: NotificationDocument): Promise<void> {
        const record = decode(document);
        if (isErased(record)) return;
        const { app, id } = record;
        // A hyphen follows the notification's id; a tilde sorts behind it.
        const range = { $gte: `${id}-`, $lt: `${id}~` };
        counts.poison += (await parts.poison.deleteMany({ _id: range })).deletedCount;
        counts.attributions += (await parts.attributions.deleteMany({ attempt: range })).deletedCount;
        for (const stored of await parts.attempts.find({ _id: range }).toArray()) {
          const { outcome, resolution } = erasedAttempt(decodeAttempt(stored));
          const set = { ...(outcome && { outcome }), ...(resolution && { resolution }) };
          if (Object.keys(set).length > 0) await parts.attempts.updateOne({ _id: stored._id }, { $set: set });
          counts.attempts++;
        }
        const release = { $min: { keepUntil: now + RELEASE_MS } };
        const { contents, blobs } = referencesOf(record);
        for (const hash of contents)
          if (!(await parts.references.toContent(app, hash, id)))
            counts.contents += (await parts.contents.updateOne({ _id: keyOf({ app, hash }) }, release)).matchedCount;
        for (const blob of blobs)
          if (!(await parts.references.toBlob(app, blob, id)))
            counts.blobs += (await parts.blobs.updateOne({ _id: addressOf(app, blob) }, release)).matchedCount;
        const { _id, failedAt, ...rest } = encode(erasedNotification(record, now));
        const erased = { ...rest, contentGone: true as const, endedAt: document.endedAt, failedAt: document.failedAt ?? failedAt };
        // As it was read: a receipt may have changed it since, and must not be lost. Then the next call erases it.
        const unchanged = { _id, ...ended, deliveries: document.deliveries };
        counts.notifications += (await parts.notifications.replaceOne(unchanged, erased)).modifiedCount;
      }
    });
