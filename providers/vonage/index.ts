import { STATUS_QUERY_FIRST_MS } from "../../core/delivery/decide.ts";
import { defineProvider } from "../definition.ts";
import { vonageVariables, vonageWebhookVariables } from "./config.ts";
import { vonage as reader } from "./webhook.ts";

export const vonage = defineProvider({
  name: "vonage",
  title: "Vonage",
  channel: "sms",
  variables: vonageVariables,
  requires: ["VONAGE_API_KEY", "VONAGE_API_SECRET_FILE", "VONAGE_FROM"],
  load: async () => (await import("./provider.ts")).createVonageProvider,
  statusQuery: { firstMs: STATUS_QUERY_FIRST_MS },
  webhook: { reader, variables: vonageWebhookVariables, secret: "VONAGE_SIGNATURE_SECRET_FILE", coversUrl: false },
});
