import { url, type Values, type Variable, watchedSecretFile } from "../../runtime/config.ts";
import { emailSenderVariables } from "../email-config.ts";
import { providerVariables } from "../provider-config.ts";
import { parsePublicKey } from "./webhook.ts";

export const sendgridVariables = {
  ...providerVariables,
  ...emailSenderVariables,
  SENDGRID_ORIGIN: url(["https", "http"], {
    default: "https://api.sendgrid.com",
    reason: "SendGrid's API; https://api.eu.sendgrid.com keeps data in the EU",
  }),
  SENDGRID_API_KEY_FILE: watchedSecretFile({
    default: "",
    reason: "SendGrid's API key, with the scope Mail Send, and Email Activity for status queries",
  }),
};
export type SendgridConfig = Values<typeof sendgridVariables>;

const publicKey = watchedSecretFile({ default: "", reason: "the Event Webhook's verification key; empty: /sendgrid is not served" });

export const sendgridWebhookVariables = {
  SENDGRID_WEBHOOK_PUBLIC_KEY_FILE: {
    ...publicKey,
    secret: false,
    parse(path) {
      const key = publicKey.parse(path);
      if (key !== "" && parsePublicKey(key) === undefined) throw new Error("must hold a key as SendGrid shows it: base64 of DER");
      return key;
    },
  } satisfies Variable<string>,
};
