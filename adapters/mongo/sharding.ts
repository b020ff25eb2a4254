import type { Db, Document, MongoClient } from "mongodb";
import { type Danger, UnsafeSettingError } from "../unsafe-setting.ts";
import { asStoreError, errorName } from "./errors.ts";
import { COLLECTIONS } from "./indexes.ts";

/** An id that no document has: the plan of a query for it shows which shards are asked. */
const NO_ID = "carillon:nowhere";

/**
 * Behind a mongos: rejects with an UnsafeSettingError unless each collection is unsharded or sharded by `_id`. With another key an id is unique within
 * one shard only: two workers could claim the same attempt.
 */
export async function checkSharding(client: MongoClient, db: Db, hosts: string): Promise<void> {
  const dangers: Danger[] = [];
  for (const name of COLLECTIONS) {
    const key = await shardKeyOf(client, `${db.databaseName}.${name}`);
    const explained = await asStoreError(`explain a find in ${name}`, () =>
      db
        .collection(name)
        .find({ _id: NO_ID as never })
        .explain("queryPlanner"),
    );
    const danger = shardingDanger(name, { key, explained });
    if (danger) dangers.push(danger);
  }
  if (dangers.length > 0) throw new UnsafeSettingError(`MongoDB at ${hosts}, database ${db.databaseName}`, dangers);
}

/** Undefined: the collection is not sharded, or the user may not read this. */
async function shardKeyOf(client: MongoClient, namespace: string): Promise<Document | undefined> {
  try {
    const found = await client.db("config").collection<Document & { _id: string }>("collections").findOne({ _id: namespace });
    return found?.key as Document | undefined;
  } catch (error) {
    if (errorName(error).includes("Unauthorized")) return undefined;
    throw error;
  }
}

/**
 * Pure. The key alone decides where it is known: a collection whose only chunk is on one shard is still answered by one. Where it is not, one shard
 * must answer a find by `_id`.
 * @param explained the mongos' explain of a find by `_id` (MongoDB manual, "Explain Results")
 */
export function shardingDanger(
  collection: string,
  { key, explained }: { key: Document | undefined; explained: unknown },
): Danger | undefined {
  const fix = `shard it anew: sh.reshardCollection(…, { _id: "hashed" }), or start with an empty database`;
  const why = "an id would be unique within one shard only, and two workers could claim one attempt";
  const setting = `shard key of ${collection}`;
  if (key !== undefined) return isIdAlone(key) ? undefined : { setting, value: JSON.stringify(key), why, fix };
  const shards = shardsOf(explained);
  if (shards?.length === 1) return undefined;
  const value = shards ? `unknown, and a find by _id asks ${shards.length} shards (${shards.join(", ")})` : "unknown";
  return { setting, value, why, fix: `${fix}; a user with the role clusterMonitor may read the key itself` };
}

const isIdAlone = (key: Document): boolean => Object.keys(key).length === 1 && "_id" in key;

/** The shards that a plan of a mongos asks; undefined where it does not say. */
export function shardsOf(explained: unknown): string[] | undefined {
  const plan = fieldOf(fieldOf(explained, "queryPlanner"), "winningPlan");
  const shards = fieldOf(plan, "shards");
  if (!Array.isArray(shards)) return undefined;
  return shards.map((shard) => String(fieldOf(shard, "shardName") ?? "?"));
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Document)[name] : undefined;
