import { STATUS_QUERY_FIRST_MS } from "../../core/delivery/decide.ts";
import { defineProvider } from "../definition.ts";
import { credentialsFault, twilioVariables, twilioWebhookVariables } from "./config.ts";
import { settledMs } from "./status-query.ts";
import { twilio as reader } from "./webhook.ts";

export const twilio = defineProvider({
  name: "twilio",
  title: "Twilio",
  channel: "sms",
  variables: twilioVariables,
  requires: ["TWILIO_ACCOUNT_SID", "TWILIO_FROM"],
  credentialsFault,
  load: async () => (await import("./provider.ts")).createTwilioProvider,
  // Earlier a message that is found may belong to a twin (status-query.ts); with the default deadline.
  statusQuery: { firstMs: STATUS_QUERY_FIRST_MS, tellsMs: settledMs(10_000), isAttributed: true },
  webhook: {
    reader,
    variables: twilioWebhookVariables,
    secret: "TWILIO_AUTH_TOKEN_FILE",
    coversUrl: true,
    urlVariable: "TWILIO_STATUS_CALLBACK_URL",
  },
});
