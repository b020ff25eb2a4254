import type { CapWindow } from "../preferences/frequency-cap.ts";

/** A place among those that a frequency cap gives to a user. */
export interface CapPlace {
  app: string;
  /** userSubject() or endpointSubject(). */
  subject: string;
  category: string;
  /** Its length is part of what is counted: after a change of the length counting begins anew. */
  window: CapWindow;
  /** Places in a window. */
  max: number;
  /** Whose place it is. It has one, however often it is taken. */
  notificationId: string;
}

/** How many notifications each user was sent in a window, for frequency caps. */
export interface CapStore {
  /**
   * Takes a place for each, durably, where its window has one left; for each whether it has a place now. Exact for concurrent callers: a window
   * gives no more than `max` places. True again for whoever has one, also where the window is full, or `max` was lowered since. A call that was rejected
   * may have taken places, and may be repeated.
   */
  take(places: readonly CapPlace[]): Promise<boolean[]>;
  /**
   * Forgets windows that ended before this moment (ms since the epoch), up to `limit` of them and the earliest first; returns how many. The moment must
   * be some minutes ago: to a process whose clock is behind, a window may not have ended yet.
   */
  purge(before: number, limit: number): Promise<number>;
}
