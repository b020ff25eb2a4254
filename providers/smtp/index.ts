import { defineProvider } from "../definition.ts";
import { credentialsFault, smtpVariables } from "./config.ts";

export const smtp = defineProvider({
  name: "smtp",
  title: "SMTP",
  channel: "email",
  variables: smtpVariables,
  requires: ["SMTP_HOST", "EMAIL_FROM"],
  credentialsFault,
  listedByDefault: false,
  load: async () => (await import("./provider.ts")).createSmtpProvider,
});
