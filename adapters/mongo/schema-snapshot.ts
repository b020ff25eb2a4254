import { type Document, MongoServerError } from "mongodb";
import type { Shape } from "../schema-snapshot.ts";
import { createClient } from "./client.ts";
import { asStoreError } from "./errors.ts";
import { COLLECTIONS } from "./indexes.ts";
import { databaseOf } from "./open.ts";

const NAMESPACE_NOT_FOUND = 26;

/** Our collections and their indexes, as they are. Rejects with a StoreError. */
export async function readMongoShape(uri: string): Promise<Shape> {
  const client = createClient(uri, {});
  try {
    const db = client.db(databaseOf(uri));
    const shape = new Map<string, Record<string, string>>();
    for (const collection of COLLECTIONS) {
      const found = await asStoreError(`list indexes of ${collection}`, () => db.collection(collection).indexes().catch(none));
      if (found.length > 0) shape.set(`collection ${collection}`, {});
      for (const { name, key, partialFilterExpression, unique } of found)
        if (name !== "_id_")
          shape.set(`index ${name} of ${collection}`, {
            key: JSON.stringify(key),
            where: JSON.stringify(partialFilterExpression ?? {}),
            unique: String(unique === true),
          });
    }
    return shape;
  } finally {
    await client.close().catch(() => undefined);
  }
}

function none(error: unknown): Document[] {
  if (error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND) return [];
  throw error;
}
