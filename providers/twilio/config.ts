import { text, url, type Values, type Variable, watchedSecretFile } from "../../runtime/config.ts";
import { providerVariables } from "../provider-config.ts";
import { sendersVariable, senderVariable } from "../sms-senders.ts";
import { TWILIO_SENDER_FORM } from "./payload.ts";

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
  TWILIO_FROM: senderVariable(TWILIO_SENDER_FORM, "default sender, for texts that name none and countries that have none of their own"),
  TWILIO_SENDERS: sendersVariable(
    TWILIO_SENDER_FORM,
    "further senders: by name (sms.sender), by name for one country, and for a country's texts that name none; the longest prefix counts. For example " +
      "otp=MG0123456789abcdef0123456789abcdef,orders=+15005550006,orders@+49=Shop,@+44=ShopUK",
  ),
  TWILIO_STATUS_CALLBACK_URL: { ...callbackUrl, parse: (t) => (t === "" ? "" : callbackUrl.parse(t)) } satisfies Variable<string>,
};
export type TwilioConfig = Values<typeof twilioVariables>;

export const twilioWebhookVariables = {
  TWILIO_AUTH_TOKEN_FILE: watchedSecretFile({ default: "", reason: "signs Twilio's status callbacks; empty: /twilio is not served" }),
};
