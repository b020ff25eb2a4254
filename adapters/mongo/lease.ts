import { type Collection, MongoServerError } from "mongodb";
import type { Store } from "../../core/ports/store.ts";
import { asStoreError, DUPLICATE_KEY } from "./errors.ts";

export interface LeaseDocument {
  /** The work. */
  _id: string;
  holder: string;
  /** ms since the epoch. */
  until: number;
}

export const createLease =
  (leases: Collection<LeaseDocument>): Store["lease"] =>
  (work, holder, now, until) =>
    asStoreError("lease", async () => {
      const free = { _id: work, $or: [{ holder }, { until: { $lte: now } }] };
      try {
        // Where another holds it, the upsert finds no document and meets that one's key.
        await leases.updateOne(free, { $set: { holder, until } }, { upsert: true });
        return true;
      } catch (error) {
        if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
        throw error;
      }
    });
