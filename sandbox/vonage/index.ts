import { overHttp, type SimulatorDefinition } from "../kit/definition.ts";
import { randomHex } from "../kit/keys.ts";
import { createVonage, type VonageAccount } from "./simulator.ts";
import { createVonageWriter } from "./webhooks.ts";

export const vonage: SimulatorDefinition = {
  choiceOf: "sms",
  sideRequestTargets: ["vonage-status-query"],
  hasWebhooks: true,
  open({ file, once, now }) {
    const secret = file("vonage-api-secret", () => randomHex(8));
    const signature = file("vonage-signature-secret", () => randomHex(16));
    const account: VonageAccount = { apiKey: "5a4db0c5", apiSecret: secret.text, signatureSecret: signature.text, from: "Carillon" };
    return {
      listen: overHttp({ kind: "http" }, createVonage({ credentials: account, once, now })),
      webhooks: createVonageWriter(account, now),
      env: (origin) => ({
        VONAGE_ORIGIN: origin,
        VONAGE_REPORTS_ORIGIN: origin,
        VONAGE_API_KEY: account.apiKey,
        VONAGE_API_SECRET_FILE: secret.path,
        VONAGE_FROM: account.from,
        VONAGE_SIGNATURE_SECRET_FILE: signature.path,
      }),
    };
  },
};
