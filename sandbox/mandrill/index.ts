import { randomBytes } from "node:crypto";
import { overHttp, type SimulatorDefinition } from "../kit/definition.ts";
import { emailSenderEnv } from "../kit/email-sender.ts";
import { createSuppressions } from "../kit/suppressions.ts";
import { MANDRILL_REASONS } from "./rejects.ts";
import { createMandrill, type MandrillAccount } from "./simulator.ts";
import { createMandrillWriter } from "./webhooks.ts";

export const mandrill: SimulatorDefinition = {
  choiceOf: "email",
  sideRequestTargets: ["mandrill-status-query"],
  hasWebhooks: true,
  open({ file, now }) {
    const key = file("mandrill-api-key", () => randomBytes(16).toString("base64url"));
    const webhookKey = file("mandrill-webhook-key", () => randomBytes(16).toString("base64url"));
    const account: MandrillAccount = { apiKey: key.text, webhookKey: webhookKey.text };
    const suppressions = createSuppressions(MANDRILL_REASONS);
    return {
      listen: overHttp({ kind: "http" }, createMandrill({ credentials: account, now, suppressions })),
      suppressions,
      webhooks: createMandrillWriter(account),
      env: (origin) => ({
        MANDRILL_ORIGIN: origin,
        MANDRILL_API_KEY_FILE: key.path,
        MANDRILL_WEBHOOK_KEY_FILE: webhookKey.path,
        ...emailSenderEnv,
      }),
    };
  },
};
