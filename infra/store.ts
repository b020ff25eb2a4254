import type { Store } from "../core/ports/store.ts";
import { integer, secretFile, text, type Values } from "./config.ts";
import { type MongoOptions, openMongoStore } from "./mongo/open.ts";
import { openSqliteStore } from "./sqlite/open.ts";
import { StoreError } from "./store-error.ts";

export { StoreError } from "./store-error.ts";

export const storeVariables = {
  STORE_URL: text({
    default: "sqlite:carillon.db",
    reason: "where everything is kept: sqlite:PATH (one machine) or mongodb://host/database; a password does not belong here",
  }),
  STORE_USER: text({ default: "", reason: "MongoDB user name; empty: none, or the URL's" }),
  STORE_PASSWORD_FILE: secretFile({
    default: "",
    reason: "password of STORE_USER; kept in the URL's database unless it says ?authSource=",
  }),
  STORE_CONNECTIONS_MAX: integer(1, 1_000, {
    default: "32",
    unit: "connections",
    reason: "MongoDB connections of one process; pods times this must stay below the server's limit",
  }),
};

/** Opens the store a service is configured with. Rejects with a StoreError. */
export const openConfiguredStore = (config: Values<typeof storeVariables>): Promise<Store> =>
  openStore(config.STORE_URL, {
    mongo: {
      poolSizeMax: config.STORE_CONNECTIONS_MAX,
      ...(config.STORE_USER ? { auth: { username: config.STORE_USER, password: config.STORE_PASSWORD_FILE } } : {}),
    },
  });

/**
 * Opens the store a URL names: `sqlite:PATH` (a relative path is relative to the working directory) or `mongodb://…`, `mongodb+srv://…`.
 * Rejects with a StoreError that says what to do; it never repeats the URL, which may hold a password.
 */
export async function openStore(url: string, options: { mongo?: MongoOptions | undefined } = {}): Promise<Store> {
  if (/^mongodb(\+srv)?:/.test(url)) return openMongoStore(url, options.mongo);
  // sqlite:///a/b and sqlite:/a/b are the same file.
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/s.exec(url)?.[1];
  if (path === undefined) throw new StoreError("the store's URL must be sqlite:PATH, mongodb://… or mongodb+srv://…");
  return openSqliteStore(path);
}
