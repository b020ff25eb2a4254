import { type ProtectedPath, protectedPaths } from "./overrides.ts";

// What no override of a text may set. Recipient, sender, ids, lifetime and receipts are Carillon's; text and media have fields of their own, by which
// segments are counted, routes are chosen, and messages are found again at the provider.

/** Twilio: Message resource, create. An own schedule, attempt count or TwiML application would work against ours. */
export const TWILIO_PROTECTED: readonly ProtectedPath[] = protectedPaths(
  ...["To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback", "ValidityPeriod"],
  ...["SendAt", "ScheduleType", "Attempt", "ApplicationSid"],
  // Another sender than those that the app may use, and another text than the one that was checked and counted.
  ...["FallbackFrom", "ContentSid", "ContentVariables", "ShortenUrls", "SmartEncoded"],
);

/** Vonage: SMS API, send. A message of type binary has no text. */
export const VONAGE_PROTECTED: readonly ProtectedPath[] = protectedPaths(
  ...["to", "from", "text", "type", "body", "udh", "protocol-id", "client-ref", "ttl", "callback", "status-report-req"],
  ...["api_key", "api_secret", "sig", "timestamp"],
);
