import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { placeOf } from "../../core/delivery/place.ts";
import type { AppRecord } from "../../core/ports/app-store.ts";
import { type AttemptRecord, attemptIdsOf } from "../../core/ports/attempt-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { LAST_PLACE } from "../../core/ports/notification-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { firstApps } from "../apps/apps.ts";

/** Notifications of one read: 10 ms of work with SQLite, which reads in this process. */
const PAGE = 200;
/** Between two reads, in ms, for the other work of the process and of the store. */
const PAUSE_MS = 20;
/** Apps that are read. */
const APPS_MAX = 200;
/** Attempts of one delivery that are read, the latest first: a delivery is tried a few times a minute. */
const ATTEMPTS_MAX = 100;

export type WindowStore = Pick<Store, "notifications" | "attempts" | "apps">;

/** What was accepted lately, of every app. Moments are ms since the epoch. */
export interface RecentWindow {
  /** Everything that was accepted from then on is in it. */
  from: number;
  apps: AppRecord[];
  /** There are more apps: of these nothing was read. */
  areAppsCut: boolean;
  notifications: NotificationRecord[];
  /** Read after the notifications; of each delivery at most the latest ATTEMPTS_MAX. */
  attempts: AttemptRecord[];
}

/**
 * Reads what was accepted at or after `from`: of every app its latest, so that with more than `max` notifications the window becomes shorter, and is still
 * complete. By the index of acceptance, in parts.
 */
export async function readWindow(
  store: WindowStore,
  { from, max, clock }: { from: number; max: number; clock: Pick<Clock, "sleep"> },
): Promise<RecentWindow> {
  const { apps, isCut: areAppsCut } = await firstApps(store.apps, APPS_MAX);
  const share = Math.ceil(max / Math.max(apps.length, 1));
  let since = from;
  const read: NotificationRecord[] = [];
  for (const { id } of apps) {
    const { found, isCut } = await readApp(store, id, { from, share, clock });
    const oldest = found.at(-1);
    // Of the moment of the last one others may not have been read.
    if (isCut && oldest) since = Math.max(since, oldest.acceptedAt + 1);
    read.push(...found);
  }
  const notifications = read.filter(({ acceptedAt }) => acceptedAt >= since);
  const attempts: AttemptRecord[] = [];
  for (let at = 0; at < notifications.length; at += PAGE) {
    const ids = notifications.slice(at, at + PAGE).flatMap(({ deliveries }) => deliveries.flatMap((d) => attemptIdsOf(d, ATTEMPTS_MAX)));
    attempts.push(...(await store.attempts.find(ids)));
    await clock.sleep(PAUSE_MS);
  }
  return { from: since, apps, areAppsCut, notifications, attempts };
}

/** The latest first. */
async function readApp(
  { notifications }: WindowStore,
  app: string,
  { from, share, clock }: { from: number; share: number; clock: Pick<Clock, "sleep"> },
): Promise<{ found: NotificationRecord[]; isCut: boolean }> {
  const found: NotificationRecord[] = [];
  for (let before = LAST_PLACE; found.length < share; ) {
    const limit = Math.min(PAGE, share - found.length);
    const page = await notifications.search(app, { kind: "all" }, { from, before }, limit);
    found.push(...page);
    if (page.length < limit) return { found, isCut: false };
    before = placeOf(page.at(-1)!);
    await clock.sleep(PAUSE_MS);
  }
  return { found, isCut: true };
}
