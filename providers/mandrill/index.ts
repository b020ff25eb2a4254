import { STATUS_QUERY_FIRST_MS } from "../../core/delivery/decide.ts";
import { defineProvider } from "../definition.ts";
import { mandrillVariables, mandrillWebhookVariables } from "./config.ts";
import { mandrill as reader } from "./webhook.ts";

export const mandrill = defineProvider({
  name: "mandrill",
  title: "Mailchimp Transactional",
  channel: "email",
  variables: mandrillVariables,
  requires: ["MANDRILL_API_KEY_FILE", "EMAIL_FROM"],
  load: async () => (await import("./provider.ts")).createMandrillProvider,
  statusQuery: { firstMs: STATUS_QUERY_FIRST_MS },
  suppressions: {
    requires: ["MANDRILL_API_KEY_FILE"],
    load: async () => (await import("./suppressions.ts")).createMandrillSuppressions,
  },
  webhook: { reader, variables: mandrillWebhookVariables, secret: "MANDRILL_WEBHOOK_KEY_FILE", coversUrl: true },
});
