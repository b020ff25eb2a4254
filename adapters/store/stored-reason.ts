import type { DeliveryState } from "../../core/delivery/notification.ts";
import { isReasonCode, type Reason, reason } from "../../core/delivery/reason.ts";

/** Sentences that were stored as reasons before reasons had codes. */
const SENTENCES: Readonly<Record<string, Reason>> = {
  "an earlier attempt arrived": reason("superseded"),
  "redriven before it was claimed": reason("redriven"),
};

/**
 * A reason as it stands in the store, in today's shape. Before reasons had codes it was text: a code, or a code with a detail after a colon
 * ("endpoint-gone: BadDeviceToken"); for an uncertain delivery the fault alone ("reset"); for a sent one the provider's warning.
 */
export function parseStoredReason(stored: Reason | string | null | undefined, state: DeliveryState): Reason | undefined {
  if (typeof stored !== "string") return stored ?? undefined;
  if (stored === "") return undefined;
  if (Object.hasOwn(SENTENCES, stored)) return SENTENCES[stored];
  const colon = stored.indexOf(":");
  const code = colon < 0 ? stored : stored.slice(0, colon);
  if (isReasonCode(code)) return reason(code, colon < 0 ? undefined : stored.slice(colon + 1).trim());
  if (state === "uncertain") return reason("outcome-unknown", stored);
  return reason(state === "sent" || state === "delivered" ? "warning" : "other", stored);
}
