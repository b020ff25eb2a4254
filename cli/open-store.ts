import { openExistingStore, storeVariables } from "../adapters/store/store-config.ts";
import type { AppRecord } from "../core/apps/app.ts";
import type { Store } from "../core/ports/store.ts";
import { findApp } from "../operations/apps/apps.ts";
import { type Environment, readConfig } from "../runtime/config.ts";

/** The store that STORE_URL names; it must exist. */
export const openNamedStore = (env: Environment): Promise<Store> => openExistingStore(readConfig(storeVariables, env));

/** The same, with an app that it must have. */
export async function openStoreOf(
  env: Environment,
  app: string,
  stack: AsyncDisposableStack,
): Promise<{ store: Store; record: AppRecord }> {
  const store = stack.use(await openNamedStore(env));
  return { store, record: await findApp(store.apps, app) };
}

/** Resolves to the exit status. */
export async function withStore(env: Environment, work: (store: Store) => Promise<void>, open = openNamedStore): Promise<number> {
  await using store = await open(env);
  await work(store);
  return 0;
}
