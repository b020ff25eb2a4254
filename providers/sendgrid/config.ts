import { url, type Values, watchedSecretFile } from "../../runtime/config.ts";
import { emailSenderVariables } from "../email-config.ts";
import { providerVariables } from "../provider-config.ts";

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
