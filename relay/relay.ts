import { type NotificationParts, notificationKind } from "./notifications.ts";
import { createOutbox, type Outbox } from "./outbox.ts";

export interface RelayParts extends NotificationParts {
  /** How long to wait when nothing was due. */
  pollMs: number;
}

/** Leaderless: many relays work side by side, each document leased by one. What two of them do twice is harmless. */
export function createRelay(parts: RelayParts): Outbox {
  const { pollMs, clock, random, log, metrics, failpoint } = parts;
  return createOutbox(notificationKind(parts), {
    ...{ pollMs, clock, random, log },
    leased: () => failpoint("relay.leased"),
    succeeded: (startedAt) => metrics.lastIteration.set(startedAt / 1000),
  });
}
