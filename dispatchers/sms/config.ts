import { twilioVariables } from "../../providers/twilio/config.ts";
import { vonageVariables } from "../../providers/vonage/config.ts";
import { list, type Values } from "../../runtime/config.ts";

const PROVIDERS = ["twilio", "vonage"] as const;
export type SmsProviderName = (typeof PROVIDERS)[number];

export const smsVariables = {
  SMS_PROVIDERS: list(PROVIDERS, {
    default: "twilio,vonage",
    reason: "providers in order of preference; the next is tried when one is known not to have sent",
  }),
  ...twilioVariables,
  ...vonageVariables,
};
export type SmsConfig = Values<typeof smsVariables>;

/** What each provider cannot do without, once listed. */
export const SMS_NEEDED = {
  twilio: ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN_FILE", "TWILIO_FROM"],
  vonage: ["VONAGE_API_KEY", "VONAGE_API_SECRET_FILE", "VONAGE_FROM"],
} as const satisfies Record<SmsProviderName, readonly (keyof SmsConfig)[]>;
