import { ConfigError, text, url, type Values, type Variable, watchedSecretFile } from "../../runtime/config.ts";
import { providerVariables } from "../provider-config.ts";
import { sendersVariable, senderVariable } from "../sms-senders.ts";
import { TWILIO_SENDER_FORM } from "./payload.ts";

const callbackUrl = url(["https", "http"], {
  default: "",
  reason: "URL of Twilio's status callbacks, ?attempt= is added; empty: no receipts, so that only status queries resolve attempts in doubt",
});
const accountSid = text({ default: "", reason: "Twilio account" });

const apiKeySid = text({
  default: "",
  reason: "API key that calls are made with instead of the auth token, and which can be revoked alone",
});

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
  TWILIO_AUTH_TOKEN_FILE: watchedSecretFile({
    default: "",
    reason:
      "Twilio's auth token; not needed where an API key is set, except by feedback, because Twilio signs its callbacks with this token",
  }),
  TWILIO_API_KEY_SID: {
    ...apiKeySid,
    parse: (sid) => {
      if (sid !== "" && !sid.startsWith("SK")) throw new Error("must begin with SK");
      return sid;
    },
  } satisfies Variable<string>,
  TWILIO_API_KEY_SECRET_FILE: watchedSecretFile({ default: "", reason: "the secret of that API key" }),
  TWILIO_FROM: senderVariable(TWILIO_SENDER_FORM, "default sender, for texts that name none and countries that have none of their own"),
  TWILIO_SENDERS: sendersVariable(
    TWILIO_SENDER_FORM,
    "further senders: by name (sms.sender), by name for one country, and for a country's texts that name none; the longest prefix counts. For example " +
      "otp=MG0123456789abcdef0123456789abcdef,orders=+15005550006,orders@+49=Shop,@+44=ShopUK",
  ),
  TWILIO_STATUS_CALLBACK_URL: { ...callbackUrl, parse: (t) => (t === "" ? "" : callbackUrl.parse(t)) } satisfies Variable<string>,
};
export type TwilioConfig = Values<typeof twilioVariables>;

/** Why credentials cannot be used as configured; undefined where they can. Names variables, never values. */
export function credentialsFault(config: TwilioConfig): string | undefined {
  const { TWILIO_API_KEY_SID: sid, TWILIO_API_KEY_SECRET_FILE: secret } = config;
  if (sid !== "" && secret === "") return "TWILIO_API_KEY_SECRET_FILE: must be set with TWILIO_API_KEY_SID";
  if (sid === "" && secret !== "") return "TWILIO_API_KEY_SID: must be set with TWILIO_API_KEY_SECRET_FILE";
  if (sid === "" && config.TWILIO_AUTH_TOKEN_FILE === "")
    return "TWILIO_AUTH_TOKEN_FILE: must be set, unless TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET_FILE are";
  return undefined;
}

/** What calls are made with: an API key where there is one. Throws a ConfigError where there is nothing to use. */
export function twilioCredentials(config: TwilioConfig): { user: string; password: string } {
  const fault = credentialsFault(config);
  if (fault !== undefined) throw new ConfigError([fault]);
  const { TWILIO_API_KEY_SID: user, TWILIO_API_KEY_SECRET_FILE: password } = config;
  return user === "" ? { user: config.TWILIO_ACCOUNT_SID, password: config.TWILIO_AUTH_TOKEN_FILE } : { user, password };
}

export const twilioWebhookVariables = {
  TWILIO_AUTH_TOKEN_FILE: watchedSecretFile({
    default: "",
    reason: "signs Twilio's status callbacks and people's texts; empty: /twilio is not served",
  }),
  TWILIO_FROM: twilioVariables.TWILIO_FROM,
  TWILIO_SENDERS: twilioVariables.TWILIO_SENDERS,
  TWILIO_STOP_REPLY: text({
    default: "",
    reason:
      "text that is sent, once, to a person who answers STOP; only where Twilio does not answer by itself, as for a short code of its own. Empty: none. At most one text may confirm it",
  }),
  TWILIO_HELP_REPLY: text({
    default: "",
    reason: "text that is sent to a person who answers HELP, where Twilio does not answer by itself; empty: none",
  }),
};
