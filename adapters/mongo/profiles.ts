import { type Collection, MongoServerError } from "mongodb";
import type { ProfileStore } from "../../core/ports/profile-store.ts";
import type { ProfileRecord } from "../../core/preferences/profile.ts";
import { StoreError } from "../store/store-error.ts";
import { asStoreError, DUPLICATE_KEY } from "./errors.ts";

export interface ProfileDocument extends ProfileRecord {
  _id: string;
}

/** Of two processes that create a profile at the same moment, one fails once; its second try finds the profile. */
const PUT_TRIES_MAX = 2;

const keyOf = (app: string, userId: string) => JSON.stringify([app, userId]);
const decode = ({ _id, ...record }: ProfileDocument): ProfileRecord => record;

export function createProfileStore(collection: Collection<ProfileDocument>): ProfileStore {
  return {
    find: (app, userIds) =>
      asStoreError("find profiles", async () => {
        if (userIds.length === 0) return [];
        return (await collection.find({ _id: { $in: userIds.map((userId) => keyOf(app, userId)) } }).toArray()).map(decode);
      }),

    put: (app, userId, profile, now) =>
      asStoreError("put profile", async () => {
        const change = { $set: { app, userId, profile, updatedAt: now }, $inc: { version: 1 } };
        for (let tries = 1; tries <= PUT_TRIES_MAX; tries++) {
          try {
            const options = { upsert: true, returnDocument: "after" } as const;
            const found = await collection.findOneAndUpdate({ _id: keyOf(app, userId) }, change, options);
            if (found) return decode(found);
          } catch (error) {
            if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
          }
        }
        throw new StoreError("MongoDB, put profile: another writer created it, and it is not there");
      }),

    remove: (app, userId, ifVersion) =>
      asStoreError("remove profile", async () => {
        const isUnchanged = ifVersion === undefined ? {} : { version: ifVersion };
        return (await collection.deleteOne({ _id: keyOf(app, userId), ...isUnchanged })).deletedCount === 1;
      }),
  };
}
