import type { Collection, Filter } from "mongodb";
import { CONTENT_PARTS } from "../../core/delivery/channel.ts";
import type { NotificationDocument } from "./notification-document.ts";

/** Where a notification names large contents. Each path has an index of its own, as blobIds has: few notifications have any. */
export const CONTENT_PATHS = CONTENT_PARTS.map((part) => `contentHashes.${part}` as const);

/** Whether a notification other than `except` refers to this content or blob of its app. */
export function createReferences(notifications: Collection<NotificationDocument>) {
  const isAny = async (paths: readonly string[], app: string, address: string, except: string) => {
    for (const path of paths) {
      // `$exists` is what the partial index asks for.
      const refers = { app, [path]: { $exists: true, $eq: address }, _id: { $ne: except } } as Filter<NotificationDocument>;
      if (await notifications.findOne(refers, { projection: { _id: 1 } })) return true;
    }
    return false;
  };
  return {
    toContent: (app: string, hash: string, except = "") => isAny(CONTENT_PATHS, app, hash, except),
    toBlob: (app: string, id: string, except = "") => isAny(["blobIds"], app, id, except),
  };
}

export type MongoReferences = ReturnType<typeof createReferences>;
