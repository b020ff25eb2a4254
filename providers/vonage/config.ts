import { flag, text, url, type Values, watchedSecretFile } from "../../runtime/config.ts";
import { providerVariables } from "../provider-config.ts";
import { sendersVariable, senderVariable } from "../sms-senders.ts";
import { VONAGE_SENDER_FORM } from "./payload.ts";

export const vonageVariables = {
  ...providerVariables,
  VONAGE_ORIGIN: url(["https", "http"], { default: "https://rest.nexmo.com", reason: "Vonage's SMS API" }),
  VONAGE_REPORTS_ORIGIN: url(["https", "http"], {
    default: "https://api.nexmo.com",
    reason: "Vonage's Reports API, for status queries about attempts in doubt",
  }),
  VONAGE_API_KEY: text({ default: "", reason: "Vonage account" }),
  VONAGE_API_SECRET_FILE: watchedSecretFile({ default: "", reason: "Vonage's API secret" }),
  VONAGE_FROM: senderVariable(VONAGE_SENDER_FORM, "default sender, for texts that name none and countries that have none of their own"),
  VONAGE_SENDERS: sendersVariable(
    VONAGE_SENDER_FORM,
    "further senders: by name (sms.sender), by name for one country, and for a country's texts that name none; the longest prefix counts. For example orders=Shop,orders@+1=12025550123,@+44=ShopUK",
  ),
};
export type VonageConfig = Values<typeof vonageVariables>;

export const vonageAuthorization = ({
  VONAGE_API_KEY: key,
  VONAGE_API_SECRET_FILE: secret,
}: Pick<VonageConfig, "VONAGE_API_KEY" | "VONAGE_API_SECRET_FILE">): string =>
  `Basic ${Buffer.from(`${key}:${secret}`).toString("base64")}`;

const replyVariable = (word: string) =>
  text({
    default: "",
    reason: `text that is sent, once, to a person who answers ${word}, from the number that they wrote to; empty: none. Needs VONAGE_API_KEY and its secret`,
  });

/** For feedback: what verifies webhooks, names senders, and sends replies to texts. */
export const vonageWebhookVariables = {
  VONAGE_FROM: vonageVariables.VONAGE_FROM,
  VONAGE_SENDERS: vonageVariables.VONAGE_SENDERS,
  VONAGE_SIGNATURE_SECRET_FILE: watchedSecretFile({
    default: "",
    reason: "signs Vonage's delivery receipts and people's texts, by SHA-256 HMAC; empty: /vonage is not served",
  }),
  VONAGE_STOP_REPLY: replyVariable("STOP"),
  VONAGE_START_REPLY: replyVariable("START"),
  VONAGE_HELP_REPLY: replyVariable("HELP"),
  VONAGE_API_KEY: vonageVariables.VONAGE_API_KEY,
  VONAGE_API_SECRET_FILE: vonageVariables.VONAGE_API_SECRET_FILE,
  VONAGE_ORIGIN: vonageVariables.VONAGE_ORIGIN,
  PROVIDER_CA_FILE: vonageVariables.PROVIDER_CA_FILE,
  OUTBOUND_ALLOWED_ADDRESSES: vonageVariables.OUTBOUND_ALLOWED_ADDRESSES,
  VONAGE_WEBHOOK_TOKEN_REQUIRED: flag({
    default: "false",
    reason:
      "true: only webhooks with Vonage's token (Authorization: Bearer) are accepted, which covers the whole body; a signature among the parameters is rejected",
  }),
};
