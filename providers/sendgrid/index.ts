import { STATUS_QUERY_FIRST_MS } from "../../core/delivery/decide.ts";
import { defineProvider } from "../definition.ts";
import { sendgridVariables, sendgridWebhookVariables } from "./config.ts";
import { sendgrid as reader } from "./webhook.ts";

export const sendgrid = defineProvider({
  name: "sendgrid",
  title: "SendGrid",
  channel: "email",
  variables: sendgridVariables,
  requires: ["SENDGRID_API_KEY_FILE", "EMAIL_FROM"],
  load: async () => (await import("./provider.ts")).createSendgridProvider,
  statusQuery: { firstMs: STATUS_QUERY_FIRST_MS },
  suppressions: {
    requires: ["SENDGRID_API_KEY_FILE"],
    load: async () => (await import("./suppressions.ts")).createSendgridSuppressions,
  },
  webhook: { reader, variables: sendgridWebhookVariables, secret: "SENDGRID_WEBHOOK_PUBLIC_KEY_FILE", coversUrl: false },
});
