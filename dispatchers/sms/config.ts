import { list, text, url, type Values, type Variable, watchedSecretFile } from "../../infra/config.ts";
import { providerVariables } from "../provider-config.ts";

const PROVIDERS = ["twilio", "vonage"] as const;
export type SmsProviderName = (typeof PROVIDERS)[number];

const callbackUrl = url(["https", "http"], {
  default: "",
  reason: "where Twilio reports what became of a message, ?attempt= is added; empty: it does not, and unknown outcomes stay unknown",
});
const accountSid = text({ default: "", reason: "Twilio account" });

export const smsVariables = {
  ...providerVariables,
  SMS_PROVIDERS: list(PROVIDERS, {
    default: "twilio,vonage",
    reason: "providers in order of preference; the next is tried when one is known not to have sent",
  }),
  TWILIO_ORIGIN: url(["https", "http"], { default: "https://api.twilio.com", reason: "Twilio's REST API" }),
  TWILIO_ACCOUNT_SID: {
    ...accountSid,
    parse: (sid) => {
      if (sid !== "" && !sid.startsWith("AC")) throw new Error("must begin with AC");
      return sid;
    },
  } satisfies Variable<string>,
  TWILIO_AUTH_TOKEN_FILE: watchedSecretFile({ default: "", reason: "Twilio's auth token" }),
  TWILIO_FROM: text({ default: "", reason: "sender: a number of the account's with the plus, or an alphanumeric name" }),
  TWILIO_STATUS_CALLBACK_URL: { ...callbackUrl, parse: (t) => (t === "" ? "" : callbackUrl.parse(t)) } satisfies Variable<string>,
  VONAGE_ORIGIN: url(["https", "http"], { default: "https://rest.nexmo.com", reason: "Vonage's SMS API" }),
  VONAGE_REPORTS_ORIGIN: url(["https", "http"], {
    default: "https://api.nexmo.com",
    reason: "Vonage's Reports API, asked what became of an attempt without an answer",
  }),
  VONAGE_API_KEY: text({ default: "", reason: "Vonage account" }),
  VONAGE_API_SECRET_FILE: watchedSecretFile({ default: "", reason: "Vonage's API secret" }),
  VONAGE_FROM: text({ default: "", reason: "sender: a number of the account's, or an alphanumeric name" }),
};
export type SmsConfig = Values<typeof smsVariables>;

/** What each provider cannot do without, once listed. */
export const SMS_NEEDED = {
  twilio: ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN_FILE", "TWILIO_FROM"],
  vonage: ["VONAGE_API_KEY", "VONAGE_API_SECRET_FILE", "VONAGE_FROM"],
} as const satisfies Record<SmsProviderName, readonly (keyof SmsConfig)[]>;
