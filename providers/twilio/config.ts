import { text, url, type Values, type Variable, watchedSecretFile } from "../../runtime/config.ts";
import { providerVariables } from "../provider-config.ts";

const callbackUrl = url(["https", "http"], {
  default: "",
  reason: "URL of Twilio's status callbacks, ?attempt= is added; empty: no receipts, so that only status queries resolve attempts in doubt",
});
const accountSid = text({ default: "", reason: "Twilio account" });

export const twilioVariables = {
  ...providerVariables,
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
};
export type TwilioConfig = Values<typeof twilioVariables>;

export const twilioWebhookVariables = {
  TWILIO_AUTH_TOKEN_FILE: watchedSecretFile({ default: "", reason: "signs Twilio's status callbacks; empty: /twilio is not served" }),
};
