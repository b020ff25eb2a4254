import { APP_ID } from "../../core/apps/app.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { APP_ID_RULE } from "../../operations/apps/apps.ts";
import type { Environment } from "../../runtime/config.ts";
import { fail, type Invocation, text } from "../command.ts";
import { withStore } from "../open-store.ts";
import { loggedChange, readOptionalOrder } from "../order.ts";
import { print } from "../output.ts";

const checked = (id: string, name: string) => (APP_ID.test(id) ? id : fail(`${name} ${APP_ID_RULE}`));

/** The app that is the first argument. */
export const readId = (id: string | undefined): string => checked(id ?? fail("the app's ID is missing"), "ID");

/** The app of --app. */
export const readApp = ({ values }: Pick<Invocation, "values">): string => checked(text(values.app) ?? fail("--app is missing"), "--app");

/**
 * Changes an app, with an entry in the audit log, and prints what came of it.
 * @param words what the entry has for its result, without secrets
 */
export function changeApp<T>(
  invocation: Invocation,
  { action, id }: { action: string; id: string },
  change: (store: Store) => Promise<T>,
  { words, shown }: { words: (result: T) => string; shown: (result: T) => string },
): Promise<number> {
  const order = readOptionalOrder(invocation);
  return withStore(invocation.env, async (store) =>
    print(shown(await loggedChange(store, { ...order, action, target: `app:${id}` }, () => change(store), words))),
  );
}

export const withApps = (env: Environment, work: (apps: AppStore) => Promise<void>): Promise<number> =>
  withStore(env, (store) => work(store.apps));
