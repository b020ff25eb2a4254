/** Moments between two effects, in order, at which tests make a process crash (CARILLON_FAILPOINT). */
export const FAILPOINTS = [
  "gateway.before-insert",
  "gateway.inserted",
  "gateway.published",
  "relay.leased",
  "relay.closed",
  "relay.published",
  "relay.changed",
  "dispatcher.received",
  "dispatcher.before-claim",
  "dispatcher.claimed",
  "dispatcher.answered",
  "dispatcher.recorded",
  "dispatcher.changed",
  "dispatcher.status-queried",
  "dispatcher.resolved",
  "feedback.received",
  "feedback.resolved",
  "feedback.changed",
] as const;
export type Step = (typeof FAILPOINTS)[number];

/**
 * Called when a failpoint is reached.
 * @param subject a category or an id, so that a test can wait for one of several
 */
export type Failpoint = (step: Step, subject?: string) => void;
