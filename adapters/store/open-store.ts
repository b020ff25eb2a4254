import type { Store } from "../../core/ports/store.ts";
import type { MongoOptions } from "../mongo/open.ts";
import type { Shape } from "../schema-snapshot.ts";
import { openSqliteStore } from "../sqlite/open.ts";
import { readSqliteShape } from "../sqlite/schema-snapshot.ts";
import { StoreError } from "./store-error.ts";

export { StoreError } from "./store-error.ts";

/**
 * Opens the store a URL names: `sqlite:PATH` (a relative path is relative to the working directory) or `mongodb://…`, `mongodb+srv://…`.
 * Makes the store where there is none, unless `existing` is wanted. Rejects with a StoreError that says what to do; it never repeats the URL, which may hold a password.
 */
export async function openStore(
  url: string,
  options: { mongo?: MongoOptions | undefined; existing?: boolean; hasWriterThread?: boolean } = {},
): Promise<Store> {
  const { mongo, existing = false, hasWriterThread = false } = options;
  if (isMongo(url)) return (await import("../mongo/open.ts")).openMongoStore(url, { ...mongo, existing });
  return openSqliteStore(sqlitePath(url), { existing, hasWriterThread });
}

/** What openStore() would find or make there, as it is now. Rejects with a StoreError. */
export const readStoreShape = async (url: string): Promise<Shape> =>
  isMongo(url) ? (await import("../mongo/schema-snapshot.ts")).readMongoShape(url) : readSqliteShape(sqlitePath(url));

/** Its driver is loaded only where it is used: it takes a process 40 ms and 15 MB. */
const isMongo = (url: string) => /^mongodb(\+srv)?:/.test(url);

/** sqlite:///a/b and sqlite:/a/b are the same file. */
function sqlitePath(url: string): string {
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/s.exec(url)?.[1];
  if (path === undefined) throw new StoreError("the store's URL must be sqlite:PATH, mongodb://… or mongodb+srv://…");
  return path;
}
