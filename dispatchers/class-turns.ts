import { CLASSES, type NotificationClass } from "../core/delivery/channel.ts";

/** While a higher class could take every turn, each lower one that waits gets one after so many: a campaign moves on, however many retries there are. */
export const FLOOR_EVERY = 10;

/** Whose turn it is: strictly by class, with a floor for the lower ones. */
export interface ClassTurns {
  /** Undefined where no class can start. */
  next(canStart: (notificationClass: NotificationClass) => boolean): NotificationClass | undefined;
}

export function createClassTurns(): ClassTurns {
  /** How often each class could have started since its last turn. */
  const passed: Record<NotificationClass, number> = { critical: 0, transactional: 0, marketing: 0 };
  return {
    next(canStart) {
      const able = CLASSES.filter(canStart);
      // The lowest first: with one floor for all, a class between would take the turns of those below it.
      const chosen = able.findLast((c) => passed[c] >= FLOOR_EVERY) ?? able[0];
      for (const c of able) passed[c] = c === chosen ? 0 : passed[c] + 1;
      return chosen;
    },
  };
}
