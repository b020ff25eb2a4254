import type { Collection } from "mongodb";
import type { EndedBefore, PurgeCounts } from "../../core/ports/store.ts";
import type { AttemptDocument, AttributionDocument } from "./attempts.ts";
import { completeEndedAt, type MigrationDocument } from "./ended-at.ts";
import { asStoreError } from "./errors.ts";
import type { NotificationDocument } from "./notification-document.ts";

export interface PurgeParts {
  notifications: Collection<NotificationDocument>;
  attempts: Collection<AttemptDocument>;
  attributions: Collection<AttributionDocument>;
  migrations: Collection<MigrationDocument>;
}

/** Notifications whose attempts are removed in one round trip. */
const REMOVALS = 100;

/**
 * Removes ended notifications without transactions, in an order in which it may be interrupted anywhere and done again:
 *
 * 1. Mark them as being purged, each only while it still is ended: one that was redriven meanwhile has no `endedAt`. From here on it is neither
 *    found nor changed, so it is never seen without its attempts, or redriven.
 * 2. Remove attributions, then attempts.
 * 3. Remove the notifications.
 *
 * The notification goes last. Were it removed first, an interruption would leave attempts that no later purge finds, and the same idempotency key,
 * accepted again under the same id, would find their outcomes and never be sent. While it is marked, its id stays in use: a repeated key is
 * answered as before. What an interruption left is found again by its `endedAt`.
 */
export function createPurge({ notifications, attempts, attributions, migrations }: PurgeParts) {
  return (of: EndedBefore, limit: number): Promise<PurgeCounts> =>
    asStoreError("purge", async () => {
      const counts: PurgeCounts = { notifications: 0, attempts: 0, attributions: 0 };
      if (limit <= 0) return counts;
      await completeEndedAt(notifications, migrations);
      const ended = endedBefore(of);
      for (const gone of [{ contentGone: true as const }, { contentGone: { $exists: false } }]) {
        const left = limit - counts.notifications;
        if (left <= 0) break;
        const options = { projection: { _id: 1, endedAt: 1 }, sort: { endedAt: 1 }, limit: left } as const;
        const found = await notifications.find({ ...ended, ...gone }, options).toArray();
        const [first] = found;
        if (first === undefined) continue;
        counts.oldest = Math.min(counts.oldest ?? first.endedAt!, first.endedAt!);
        await remove(
          found.map(({ _id }) => _id),
          ended,
          counts,
        );
      }
      return counts;
    });

  async function remove(ids: readonly string[], ended: ReturnType<typeof endedBefore>, counts: PurgeCounts): Promise<void> {
    await notifications.updateMany({ _id: { $in: [...ids] }, ...ended }, { $set: { purging: true } });
    const marked = await notifications.find({ _id: { $in: [...ids] }, purging: true }, { projection: { _id: 1 } }).toArray();
    for (let i = 0; i < marked.length; i += REMOVALS) {
      const some = marked.slice(i, i + REMOVALS).map(({ _id }) => _id);
      // A hyphen follows the notification's id; a tilde sorts behind it.
      const ranges = some.map((id) => ({ $gte: `${id}-`, $lt: `${id}~` }));
      const ofAttributions = ranges.map((attempt) => ({ deleteMany: { filter: { attempt } } }));
      counts.attributions += (await attributions.bulkWrite(ofAttributions, { ordered: false })).deletedCount;
      const ofAttempts = ranges.map((_id) => ({ deleteMany: { filter: { _id } } }));
      counts.attempts += (await attempts.bulkWrite(ofAttempts, { ordered: false })).deletedCount;
      counts.notifications += (await notifications.deleteMany({ _id: { $in: some }, purging: true })).deletedCount;
    }
  }
}

/**
 * `$exists` is what the partial index asks for.
 * Without `due` as well: a process of an older version redrives without removing `endedAt`.
 */
export const endedBefore = ({ app, notificationClass, before }: EndedBefore) =>
  ({ app, notificationClass, endedAt: { $exists: true, $lt: before }, due: { $exists: false } }) as const;
