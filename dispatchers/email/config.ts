import { list, text, url, type Values, watchedSecretFile } from "../../infra/config.ts";
import { providerVariables } from "../provider-config.ts";

const PROVIDERS = ["sendgrid", "mandrill"] as const;
export type EmailProviderName = (typeof PROVIDERS)[number];

export const emailVariables = {
  ...providerVariables,
  EMAIL_PROVIDERS: list(PROVIDERS, {
    default: "sendgrid,mandrill",
    reason: "providers in order of preference; the next is tried when one is known not to have sent",
  }),
  EMAIL_FROM: text({ default: "", reason: "sender's address; its domain must be verified with every provider listed" }),
  EMAIL_FROM_NAME: text({ default: "", reason: "sender's name as mail programs show it; empty: the address alone" }),
  SENDGRID_ORIGIN: url(["https", "http"], {
    default: "https://api.sendgrid.com",
    reason: "SendGrid's API; https://api.eu.sendgrid.com keeps data in the EU",
  }),
  SENDGRID_API_KEY_FILE: watchedSecretFile({
    default: "",
    reason: "SendGrid's API key, with the scope Mail Send, and Email Activity for look-ups",
  }),
  MANDRILL_ORIGIN: url(["https", "http"], { default: "https://mandrillapp.com", reason: "Mailchimp Transactional's API" }),
  MANDRILL_API_KEY_FILE: watchedSecretFile({ default: "", reason: "Mailchimp Transactional's API key" }),
};
export type EmailConfig = Values<typeof emailVariables>;

/** What each provider cannot do without, once listed. */
export const EMAIL_NEEDED = {
  sendgrid: ["SENDGRID_API_KEY_FILE", "EMAIL_FROM"],
  mandrill: ["MANDRILL_API_KEY_FILE", "EMAIL_FROM"],
} as const satisfies Record<EmailProviderName, readonly (keyof EmailConfig)[]>;
