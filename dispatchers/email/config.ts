import { mandrillVariables } from "../../providers/mandrill/config.ts";
import { sendgridVariables } from "../../providers/sendgrid/config.ts";
import { list, type Values } from "../../runtime/config.ts";

const PROVIDERS = ["sendgrid", "mandrill"] as const;
export type EmailProviderName = (typeof PROVIDERS)[number];

export const emailVariables = {
  EMAIL_PROVIDERS: list(PROVIDERS, {
    default: "sendgrid,mandrill",
    reason: "providers in order of preference; the next is tried when one is known not to have sent",
  }),
  ...sendgridVariables,
  ...mandrillVariables,
};
export type EmailConfig = Values<typeof emailVariables>;

/** What each provider cannot do without, once listed. */
export const EMAIL_NEEDED = {
  sendgrid: ["SENDGRID_API_KEY_FILE", "EMAIL_FROM"],
  mandrill: ["MANDRILL_API_KEY_FILE", "EMAIL_FROM"],
} as const satisfies Record<EmailProviderName, readonly (keyof EmailConfig)[]>;
