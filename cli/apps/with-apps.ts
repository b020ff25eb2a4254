import { APP_ID } from "../../core/apps/app.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import { APP_ID_RULE } from "../../operations/apps/apps.ts";
import type { Environment } from "../../runtime/config.ts";
import { fail, type Invocation, text } from "../command.ts";
import { openNamedStore, withStore } from "../open-store.ts";

const checked = (id: string, name: string) => (APP_ID.test(id) ? id : fail(`${name} ${APP_ID_RULE}`));

/** The app that is the first argument. */
export const readId = (id: string | undefined): string => checked(id ?? fail("the app's ID is missing"), "ID");

/** The app of --app. */
export const readApp = ({ values }: Pick<Invocation, "values">): string => checked(text(values.app) ?? fail("--app is missing"), "--app");

/** @param open only the first app may make the store that holds it */
export const withApps = (env: Environment, work: (apps: AppStore) => Promise<void>, open = openNamedStore): Promise<number> =>
  withStore(env, (store) => work(store.apps), open);
