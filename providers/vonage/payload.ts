import type { JsonObject } from "../../core/content/json.ts";
import { withOverride } from "../../core/content/overrides.ts";
import { isGsm7 } from "../../core/content/sms.ts";
import { type SmsContent, sentText } from "../../core/content/sms-content.ts";
import { VONAGE_PROTECTED } from "../../core/content/sms-overrides.ts";
import { storedMs } from "../../core/delivery/lifetime.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** Bounds of ttl in ms (Vonage: SMS API reference, ttl). Less cannot be asked for: the last seconds before expiry, and "now or never", round up. */
const TTL_MS_MIN = 20_000;
const TTL_MS_MAX = 604_800_000;
/** 3GPP TS 23.038, section 4: shown at once and not stored. */
const FLASH_CLASS = 0;

/** The form of a send, as JSON. */
interface VonageMessage {
  from: string;
  /** E.164 without the plus. */
  to: string;
  text: string;
  /** What GSM 03.38 lacks is lost unless the type is unicode. */
  type: "text" | "unicode";
  "client-ref": string;
  /** ms. */
  ttl: number;
  "message-class"?: number;
  /** Text: numbers of JSON would lose the last of an id's 19 digits. */
  "entity-id"?: string;
  "content-id"?: string;
}

export const vonageTypeOf = (text: string): VonageMessage["type"] => (isGsm7(text) ? "text" : "unicode");

/** A number, a short code, or an alphanumeric name (Vonage: SMS API reference, from). */
export const VONAGE_SENDER_FORM = {
  holds: (from: string) => /^\+?[1-9]\d{2,14}$/.test(from) || /^(?=.*[A-Za-z])[A-Za-z0-9 &.+_-]{1,11}$/.test(from),
  says: "a number, a short code, or a name of at most 11 characters",
};

/** @param now ms since the epoch: Vonage takes a duration, not a moment */
export function buildVonageMessage(delivery: OutboundDelivery, setup: { from: string }, now: number): JsonObject | undefined {
  const { endpoint, content, attemptId } = delivery;
  if (endpoint.channel !== "sms" || content.sms === undefined) return undefined;
  const text = sentText(content.sms);
  const { flash, registeredEntity, registeredTemplate, overrides } = content.sms;
  const message: VonageMessage = {
    from: setup.from.replace(/^\+/, ""),
    to: endpoint.phoneNumber.replace(/^\+/, ""),
    text,
    type: vonageTypeOf(text),
    "client-ref": attemptId,
    ttl: Math.min(TTL_MS_MAX, Math.max(TTL_MS_MIN, storedMs(delivery, now))),
    ...(flash ? { "message-class": FLASH_CLASS } : {}),
    ...(registeredEntity === undefined ? {} : { "entity-id": registeredEntity }),
    ...(registeredTemplate === undefined ? {} : { "content-id": registeredTemplate }),
  };
  return withOverride(message, overrides?.vonage, VONAGE_PROTECTED);
}

/** A text without its pictures would be another message. */
export const vonageLacks = ({ mediaUrls }: SmsContent): string | undefined => (mediaUrls === undefined ? undefined : "media-not-supported");
