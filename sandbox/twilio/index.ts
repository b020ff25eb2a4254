import { overHttp, type SimulatorDefinition } from "../kit/definition.ts";
import { randomHex } from "../kit/keys.ts";
import { createTwilio, type TwilioAccount } from "./simulator.ts";
import { createTwilioWriter } from "./webhooks.ts";

export const twilio: SimulatorDefinition = {
  choiceOf: "sms",
  sideRequestTargets: ["twilio-status-query"],
  hasWebhooks: true,
  open({ file, now }) {
    const token = file("twilio-auth-token", () => randomHex(16));
    const accountSid = file("twilio-account-sid", () => `AC${randomHex(16)}`).text;
    const account: TwilioAccount = { accountSid, authToken: token.text, from: "+15005550006" };
    return {
      listen: overHttp({ kind: "http" }, createTwilio({ credentials: account, now })),
      webhooks: createTwilioWriter(account),
      env: (origin, callbacks) => ({
        TWILIO_ORIGIN: origin,
        TWILIO_ACCOUNT_SID: accountSid,
        TWILIO_AUTH_TOKEN_FILE: token.path,
        TWILIO_FROM: account.from,
        TWILIO_STATUS_CALLBACK_URL: `${callbacks}/twilio`,
      }),
    };
  },
};
