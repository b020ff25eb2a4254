import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** Bounds of ValidityPeriod in seconds (Twilio: Message resource, ValidityPeriod). */
const VALIDITY_S_MIN = 1;
const VALIDITY_S_MAX = 36_000;

/** The fields of a form (Twilio: Message resource, create). */
export type TwilioMessage = {
  To: string;
  From: string;
  Body: string;
  /** Seconds Twilio may keep it queued; then it fails with 30036. */
  ValidityPeriod: `${number}`;
  StatusCallback?: string;
};

/**
 * @param setup statusCallbackUrl is absolute, or "" for none; each message gets its own by ?attempt=, so that a receipt names its attempt
 * even where no answer came
 * @param now ms since the epoch: Twilio takes a duration, not a moment
 */
export function buildTwilioMessage(
  delivery: OutboundDelivery,
  setup: { from: string; statusCallbackUrl: string },
  now: number,
): TwilioMessage | undefined {
  if (delivery.endpoint.channel !== "sms" || delivery.content.sms === undefined) return undefined;
  return {
    To: delivery.endpoint.phoneNumber,
    From: setup.from,
    Body: delivery.content.sms.text,
    ValidityPeriod: `${Math.min(VALIDITY_S_MAX, Math.max(VALIDITY_S_MIN, Math.floor((delivery.expiresAt - now) / 1_000)))}`,
    ...(setup.statusCallbackUrl === "" ? {} : { StatusCallback: withAttempt(setup.statusCallbackUrl, delivery.attemptId) }),
  };
}

function withAttempt(callbackUrl: string, attemptId: string): string {
  const url = new URL(callbackUrl);
  url.searchParams.set("attempt", attemptId);
  return url.href;
}
