import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { overHttp, type SimulatorDefinition } from "../kit/definition.ts";
import { emailSenderEnv } from "../kit/email-sender.ts";
import { makeP256Pem } from "../kit/keys.ts";
import { createSuppressions } from "../kit/suppressions.ts";
import { createSendgrid, type SendgridAccount } from "./simulator.ts";
import { SENDGRID_LISTS } from "./suppressions.ts";
import { createSendgridWriter } from "./webhooks.ts";

export const sendgrid: SimulatorDefinition = {
  choiceOf: "email",
  sideRequestTargets: ["sendgrid-status-query"],
  hasWebhooks: true,
  open({ file, now }) {
    const key = file("sendgrid-api-key", () => `SG.${randomBytes(16).toString("base64url")}.${randomBytes(32).toString("base64url")}`);
    const webhookKey = createPrivateKey(file("sendgrid-webhook-key", makeP256Pem).text);
    const publicKey = file("sendgrid-webhook-public-key", () => publicDer(webhookKey));
    const account: SendgridAccount = { apiKey: key.text, webhookKey };
    const suppressions = createSuppressions(SENDGRID_LISTS);
    return {
      listen: overHttp({ kind: "http" }, createSendgrid({ credentials: account, now, suppressions })),
      suppressions,
      webhooks: createSendgridWriter(account, now),
      env: (origin) => ({
        SENDGRID_ORIGIN: origin,
        SENDGRID_API_KEY_FILE: key.path,
        SENDGRID_WEBHOOK_PUBLIC_KEY_FILE: publicKey.path,
        ...emailSenderEnv,
      }),
    };
  },
};

/** As SendGrid shows its verification key. */
const publicDer = (privateKey: KeyObject) => createPublicKey(privateKey).export({ format: "der", type: "spki" }).toString("base64");
