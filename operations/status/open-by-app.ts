import type { Store } from "../../core/ports/store.ts";
import { firstApps } from "../apps/apps.ts";

/** Open notifications of an app that are counted at most: an index is read. */
const OPEN_OF_APP_MAX = 10_000;
/** Apps that are counted at most, in the order of their ids: each is one read. */
export const APPS_COUNTED_MAX = 1_000;
/** Counts that are under way at once: fewer than a process has connections to MongoDB. */
const AT_ONCE = 20;

/** An app and how many of its notifications have not ended, what is scheduled for later included; counted up to OPEN_OF_APP_MAX. */
export interface OpenOfApp {
  app: string;
  open: number;
  /** It has more. */
  isCut: boolean;
}

/** In the order of the apps. */
export async function countOpenOf({ notifications }: Pick<Store, "notifications">, apps: readonly { id: string }[]): Promise<OpenOfApp[]> {
  const counts: OpenOfApp[] = [];
  const count = async ({ id }: { id: string }): Promise<OpenOfApp> => {
    const open = await notifications.openCountOf(id, { from: 0, until: Number.MAX_SAFE_INTEGER }, OPEN_OF_APP_MAX);
    return { app: id, open, isCut: open === OPEN_OF_APP_MAX };
  };
  for (let from = 0; from < apps.length; from += AT_ONCE) counts.push(...(await Promise.all(apps.slice(from, from + AT_ONCE).map(count))));
  return counts;
}

/** The apps that have something open, that with the most first: one of them may be flooding the others. Cut: there are more than APPS_COUNTED_MAX. */
export async function readOpenByApp(store: Pick<Store, "apps" | "notifications">): Promise<{ apps: OpenOfApp[]; isCut: boolean }> {
  const { apps, isCut } = await firstApps(store.apps, APPS_COUNTED_MAX);
  const counts = await countOpenOf(store, apps);
  return { apps: counts.filter(({ open }) => open > 0).sort((a, b) => b.open - a.open), isCut };
}
