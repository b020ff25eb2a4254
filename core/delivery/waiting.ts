import { type Delivery, isOpen, type NotificationRecord } from "./notification.ts";

/**
 * What an open delivery waits for. retry: the next attempt, after one that is known not to have sent, or while a provider is not called. settings: an operator,
 * who has to correct what the provider rejects. outcome: a receipt or a status query, of an attempt in doubt. paused: an operator, who has paused it.
 */
export const WAITS = ["send-at", "queue", "retry", "settings", "quiet-hours", "cap", "outcome", "paused"] as const;
export type WaitingFor = (typeof WAITS)[number];

/** Undefined once the delivery has ended. Pure. @param now ms since the epoch */
export function waitingFor(
  { sendAt }: Pick<NotificationRecord, "sendAt">,
  { state, reason }: Delivery,
  now: number,
): WaitingFor | undefined {
  if (!isOpen(state)) return undefined;
  if (state === "uncertain") return "outcome";
  switch (reason?.code) {
    case undefined:
      return sendAt > now ? "send-at" : "queue";
    case "quiet-hours":
    case "cap":
    case "paused":
      return reason.code;
    case "misconfigured":
      return "settings";
    default:
      return "retry";
  }
}
