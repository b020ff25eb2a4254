import type { Collection } from "mongodb";
import { endedAt } from "./change-update.ts";
import type { NotificationDocument } from "./notification-document.ts";

/** How far a migration of documents has come. */
export interface MigrationDocument {
  _id: string;
  /** The greatest id that it has read. */
  after: string;
  done: boolean;
}

/** Documents read in one round trip, and round trips of one call. */
const PAGE_ROWS = 1_000;
const PAGES_MAX = 10;
const MIGRATION = "endedAt";

/**
 * Gives `endedAt` to notifications that ended before the field existed, some at each call and each of them once: a collection of many millions is not
 * rewritten while a process starts. What ends from now on has it.
 */
export async function completeEndedAt(
  notifications: Collection<NotificationDocument>,
  migrations: Collection<MigrationDocument>,
): Promise<void> {
  const begun = await migrations.findOne({ _id: MIGRATION });
  if (begun?.done) return;
  let after = begun?.after ?? "";
  let done = false;
  for (let page = 0; page < PAGES_MAX && !done; page++) {
    const projection = { due: 1, endedAt: 1 };
    const found = await notifications.find({ _id: { $gt: after } }, { projection, sort: { _id: 1 }, limit: PAGE_ROWS }).toArray();
    const lacking = found.filter((document) => document.due === undefined && document.endedAt === undefined).map(({ _id }) => _id);
    if (lacking.length > 0) await notifications.updateMany({ _id: { $in: lacking } }, [{ $set: { endedAt } }]);
    after = found.at(-1)?._id ?? after;
    done = found.length < PAGE_ROWS;
  }
  await migrations.updateOne({ _id: MIGRATION }, { $set: { after, done } }, { upsert: true });
}
