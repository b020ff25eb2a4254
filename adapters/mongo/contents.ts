import { type Collection, MongoServerError } from "mongodb";
import type { Content } from "../../core/content/content.ts";
import { REFERRED_KEEP_MS } from "../../core/content/reference.ts";
import type { ContentStore, StoredContent } from "../../core/ports/content-store.ts";
import { asStoreError, DUPLICATE_KEY } from "./errors.ts";
import type { MongoReferences } from "./references.ts";

/** `_id` is hash and app, so that the collection can be sharded by its hash as the others are. */
export interface ContentDocument {
  _id: string;
  /** JSON: the keys of a caller's data may hold dots and dollars. */
  content: string;
  keepUntil: number;
}

/** Two writers that insert the same content at once: the loser finds the winner's document at its second try. */
const UPSERT_TRIES_MAX = 5;

export const keyOf = ({ app, hash }: Pick<StoredContent, "app" | "hash">) => `${hash} ${app}`;

/** Takes an `_id` apart: a hash has no space. */
export const readKey = (key: string): Pick<StoredContent, "app" | "hash"> => {
  const space = key.indexOf(" ");
  return { hash: key.slice(0, space), app: key.slice(space + 1) };
};

export function createContentStore(collection: Collection<ContentDocument>, references: Pick<MongoReferences, "toContent">): ContentStore {
  return {
    put: (contents) =>
      asStoreError("put contents", async () => {
        if (contents.length === 0) return;
        // In the order of their ids, so that two calls with the same contents cannot deadlock on a server that locks documents.
        const sorted = contents.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
        const upserts = sorted.map((stored) => ({
          updateOne: {
            filter: { _id: keyOf(stored) },
            update: { $max: { keepUntil: stored.keepUntil }, $setOnInsert: { content: JSON.stringify(stored.content) } },
            upsert: true,
          },
        }));
        for (let tries = 1; ; tries++) {
          try {
            await collection.bulkWrite(upserts, { ordered: false });
            return;
          } catch (error) {
            const lostRace = error instanceof MongoServerError && error.code === DUPLICATE_KEY;
            if (!lostRace || tries === UPSERT_TRIES_MAX) throw error;
          }
        }
      }),

    get: (app, hash) =>
      asStoreError("get content", async () => {
        const id = { _id: keyOf({ app, hash }) };
        const projection = { content: 1 };
        // A primary that is being replaced may not have the content yet. Absence ends a delivery, so it is confirmed by a write that changes
        // nothing: it waits for a majority, which only the new primary gets.
        const document =
          (await collection.findOne(id, { projection })) ??
          (await collection.findOneAndUpdate(id, { $max: { keepUntil: 0 } }, { projection }));
        return document ? (JSON.parse(document.content) as Content) : undefined;
      }),

    purge: (before, limit) =>
      asStoreError("purge contents", async () => {
        // A limit of 0 would be none.
        if (limit <= 0) return 0;
        const old = { keepUntil: { $lt: before } };
        const found = await collection.find(old, { projection: { _id: 1 }, sort: { keepUntil: 1 }, limit }).toArray();
        const unused: string[] = [];
        for (const { _id } of found) {
          const { app, hash } = readKey(_id);
          if (await references.toContent(app, hash))
            await collection.updateOne({ _id }, { $max: { keepUntil: before + REFERRED_KEEP_MS } });
          else unused.push(_id);
        }
        if (unused.length === 0) return 0;
        // The condition again: a notification may be about to refer to it, and have moved `keepUntil`, since it was found.
        return (await collection.deleteMany({ _id: { $in: unused }, ...old })).deletedCount;
      }),
  };
}
