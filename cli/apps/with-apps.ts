import { APP_ID } from "../../core/apps/app.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import { APP_ID_RULE } from "../../operations/apps/apps.ts";
import type { Environment } from "../../runtime/config.ts";
import { fail } from "../command.ts";
import { openNamedStore, withStore } from "../open-store.ts";

export function readId(id: string | undefined): string {
  if (id === undefined) fail("the app's ID is missing");
  return APP_ID.test(id) ? id : fail(`ID ${APP_ID_RULE}`);
}

/** @param open only the first app may make the store that holds it */
export const withApps = (env: Environment, work: (apps: AppStore) => Promise<void>, open = openNamedStore): Promise<number> =>
  withStore(env, (store) => work(store.apps), open);
