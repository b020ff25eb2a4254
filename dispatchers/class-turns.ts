import { CLASSES, type NotificationClass } from "../core/delivery/channel.ts";

/** While a higher class could take every turn, each lower one that waits gets one after so many: a campaign moves on, however many retries there are. */
export const FLOOR_EVERY = 10;
/** More than that is not made up for: a class gets at most ten turns in a row for what began without one. */
const PASSED_MAX = 10 * FLOOR_EVERY;

/** Whose turn it is: strictly by class, with a floor for the lower ones. */
export interface ClassTurns {
  /** Undefined where no class can start. */
  next(canStart: (notificationClass: NotificationClass) => boolean): NotificationClass | undefined;
  /** A task of this class begins without a turn. Those of lower classes that wait were passed once more. */
  passedBy(notificationClass: NotificationClass, canStart: (notificationClass: NotificationClass) => boolean): void;
}

export function createClassTurns(): ClassTurns {
  /** How often each class could have started and did not, less FLOOR_EVERY for each turn by the floor. */
  const passed: Record<NotificationClass, number> = { critical: 0, transactional: 0, marketing: 0 };
  return {
    next(canStart) {
      const able = CLASSES.filter(canStart);
      // The lowest first: with one floor for all, a class between would take the turns of those below it.
      const chosen = able.findLast((c) => passed[c] >= FLOOR_EVERY) ?? able[0];
      for (const c of able) passed[c] = c === chosen ? Math.max(0, passed[c] - FLOOR_EVERY) : Math.min(passed[c] + 1, PASSED_MAX);
      return chosen;
    },
    passedBy(notificationClass, canStart) {
      for (const c of CLASSES.slice(CLASSES.indexOf(notificationClass) + 1))
        if (canStart(c)) passed[c] = Math.min(passed[c] + 1, PASSED_MAX);
    },
  };
}
