/** Moments between two effects, in the order they come: where a process can be made to die, in tests (CARILLON_FAILPOINT). */
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
  "dispatcher.looked-up",
  "dispatcher.resolved",
  "feedback.received",
  "feedback.resolved",
  "feedback.changed",
] as const;
export type Step = (typeof FAILPOINTS)[number];

/**
 * Says that a step was reached.
 * @param subject what it was reached with, for who waits for one of them: a category or an id
 */
export type Failpoint = (step: Step, subject?: string) => void;
