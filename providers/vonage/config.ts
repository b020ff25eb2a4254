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

export const vonageWebhookVariables = {
  VONAGE_FROM: vonageVariables.VONAGE_FROM,
  VONAGE_SENDERS: vonageVariables.VONAGE_SENDERS,
  VONAGE_SIGNATURE_SECRET_FILE: watchedSecretFile({
    default: "",
    reason: "signs Vonage's delivery receipts and people's texts, by SHA-256 HMAC; empty: /vonage is not served",
  }),
  VONAGE_WEBHOOK_TOKEN_REQUIRED: flag({
    default: "false",
    reason:
      "true: only webhooks with Vonage's token (Authorization: Bearer) are accepted, which covers the whole body; a signature among the parameters is rejected",
  }),
};
