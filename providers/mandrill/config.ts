import { url, type Values, watchedSecretFile } from "../../runtime/config.ts";
import { emailSenderVariables } from "../email-config.ts";
import { providerVariables } from "../provider-config.ts";

export const mandrillVariables = {
  ...providerVariables,
  ...emailSenderVariables,
  MANDRILL_ORIGIN: url(["https", "http"], { default: "https://mandrillapp.com", reason: "Mailchimp Transactional's API" }),
  MANDRILL_API_KEY_FILE: watchedSecretFile({ default: "", reason: "Mailchimp Transactional's API key" }),
};
export type MandrillConfig = Values<typeof mandrillVariables>;

export const mandrillWebhookVariables = {
  MANDRILL_WEBHOOK_KEY_FILE: watchedSecretFile({
    default: "",
    reason: "the webhook's own key, not the API's; empty: /mandrill is not served",
  }),
};
