import { LRUCache } from "lru-cache";
import { endpointId as idOf } from "../adapters/ids.ts";
import type { ServedApps } from "../adapters/store/served-apps.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { CapPlace, CapStore } from "../core/ports/cap-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { type CapWindow, capWindow } from "../core/preferences/frequency-cap.ts";
import { endpointSubject, userSubject } from "../core/preferences/opt-out.ts";
import { BatchFullError, BatchLateError, createBatcher } from "../runtime/batch.ts";

/** Places of one call of the store. */
const TAKE_MAX = 200;
/** More than the in-flight limit of a pod can ever be. */
const WAITING_MAX = 20_000;
/** Longest wait for a call, in ms: after it the task returns to the queue, as where the store is unavailable. */
const WAIT_MS_MAX = 2_000;
/** Windows that are looked through, one call of the store each, for a later place: so many full ones mean that a user's notifications pile up. */
const WINDOWS_AHEAD_MAX = 8;
/** Places that were given and are remembered, 2 MB: what waits for tokens of the rate limit comes back without a write. */
const GIVEN_MAX = 10_000;

/** Whether a user may be sent one more of a category. */
export type CapAnswer =
  | { kind: "below" }
  /** The window has no place left. `defer`: it waits until `until` (ms since the epoch), when a later one begins, at or after its expiry where none will do. */
  | { kind: "full"; defer: boolean; until: number; windowMs: number }
  | { kind: "unreadable" };

/** Never rejects because of the store. */
export type CapCheck = (task: DeliveryTask) => Promise<CapAnswer>;

const BELOW: CapAnswer = { kind: "below" };

/**
 * Takes the notification's place among those that the cap of its category gives to its user: one for all its deliveries and attempts within a window.
 * What waits takes its place in a later window at once, so that nothing newer gets it. What repeats an attempt of unknown outcome has had its place. What is
 * critical is sent beyond any cap, and is not counted. An address that was given outright is counted as a user of its own.
 */
export function createCapCheck(parts: {
  caps: CapStore;
  appOf: ServedApps;
  clock: Pick<Clock, "now" | "monotonic" | "nextTurn">;
}): CapCheck {
  const { caps, appOf, clock } = parts;
  const limits = { batchMax: TAKE_MAX, waitingMax: WAITING_MAX, concurrency: 2, waitMaxMs: WAIT_MS_MAX };
  const takes = createBatcher((places: readonly CapPlace[]) => caps.take(places), limits, clock);
  const given = new LRUCache<string, true>({ max: GIVEN_MAX });

  async function take(place: CapPlace): Promise<boolean> {
    const key = [place.window.from, place.window.until, place.subject, place.notificationId].join(" ");
    if (given.has(key)) return true;
    const isGiven = await takes.add(place);
    if (isGiven) given.set(key, true);
    return isGiven;
  }

  return async ({ app, userId, endpointId, endpoint, category, notificationClass, notificationId, policyResend, expiresAt }) => {
    if (notificationClass === "critical" || policyResend) return BELOW;
    try {
      const cap = (await appOf(app)).categories.get(category)?.cap;
      if (cap === undefined) return BELOW;
      const subject = userId === undefined ? endpointSubject(endpointId ?? idOf(endpoint)) : userSubject(userId);
      const takeIn = (window: CapWindow) => take({ app, subject, category, window, max: cap.max, notificationId });
      const now = capWindow(cap, clock.now());
      if (await takeIn(now)) return BELOW;
      let later = capWindow(cap, now.until);
      if (cap.defer)
        for (let i = 0; i < WINDOWS_AHEAD_MAX && later.from < expiresAt && !(await takeIn(later)); i++) later = capWindow(cap, later.until);
      return { kind: "full", defer: cap.defer, until: later.from, windowMs: cap.windowMs };
    } catch (error) {
      if (error instanceof StoreError || error instanceof BatchFullError || error instanceof BatchLateError) return { kind: "unreadable" };
      throw error;
    }
  };
}
