import { isGsm7 } from "../../core/content/sms.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** Bounds of ttl in ms (Vonage: SMS API reference, ttl). A shorter life cannot be asked for: the last seconds before expiry round up. */
const TTL_MS_MIN = 20_000;
const TTL_MS_MAX = 604_800_000;

/** The form of a send, as JSON. */
export interface VonageMessage {
  from: string;
  /** E.164 without the plus. */
  to: string;
  text: string;
  /** What GSM 03.38 lacks is lost unless the type is unicode. */
  type: "text" | "unicode";
  "client-ref": string;
  /** ms. */
  ttl: number;
}

/** @param now ms since the epoch: Vonage takes a duration, not a moment */
export function buildVonageMessage(delivery: OutboundDelivery, setup: { from: string }, now: number): VonageMessage | undefined {
  if (delivery.endpoint.channel !== "sms" || delivery.content.sms === undefined) return undefined;
  const { text } = delivery.content.sms;
  return {
    from: setup.from.replace(/^\+/, ""),
    to: delivery.endpoint.phoneNumber.replace(/^\+/, ""),
    text,
    type: isGsm7(text) ? "text" : "unicode",
    "client-ref": delivery.attemptId,
    ttl: Math.min(TTL_MS_MAX, Math.max(TTL_MS_MIN, delivery.expiresAt - now)),
  };
}
