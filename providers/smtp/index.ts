import { defineProvider } from "../definition.ts";
import { smtpBounces } from "./bounces.ts";
import { bounceFault, credentialsFault, smtpBounceVariables, smtpVariables } from "./config.ts";

export const smtp = defineProvider({
  name: "smtp",
  title: "SMTP",
  channel: "email",
  variables: smtpVariables,
  requires: ["SMTP_HOST", "EMAIL_FROM"],
  credentialsFault,
  listedByDefault: false,
  bounces: { reader: smtpBounces, variables: smtpBounceVariables, domain: "SMTP_BOUNCE_DOMAIN", fault: bounceFault },
  load: async () => (await import("./provider.ts")).createSmtpProvider,
});
