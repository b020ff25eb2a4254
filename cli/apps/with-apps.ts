import { openExistingStore, storeVariables } from "../../adapters/store/store-config.ts";
import { APP_ID } from "../../core/apps/app.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { APP_ID_RULE } from "../../operations/apps/apps.ts";
import { type Environment, readConfig } from "../../runtime/config.ts";
import { fail } from "../command.ts";

export const print = (words: string) => void process.stdout.write(`${words}\n`);

export function readId(id: string | undefined): string {
  if (id === undefined) fail("the app's ID is missing");
  return APP_ID.test(id) ? id : fail(`ID ${APP_ID_RULE}`);
}

/** @param open only the first app may make the store that holds it */
export const withApps = (env: Environment, work: (apps: AppStore) => Promise<void>, open = openExistingStore): Promise<number> =>
  withStore(env, (store) => work(store.apps), open);

export async function withStore(env: Environment, work: (store: Store) => Promise<void>, open = openExistingStore): Promise<number> {
  await using store = await open(readConfig(storeVariables, env));
  await work(store);
  return 0;
}
