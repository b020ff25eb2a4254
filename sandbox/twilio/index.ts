import { createHash } from "node:crypto";
import { accountsOf, overHttp, type SimulatorDefinition } from "../kit/definition.ts";
import { randomHex } from "../kit/keys.ts";
import { createTwilioOptOuts } from "./opt-outs.ts";
import { createTwilio } from "./simulator.ts";
import { createTwilioWriter } from "./webhooks.ts";

export const twilio: SimulatorDefinition = {
  choiceOf: "sms",
  sideRequestTargets: ["twilio-status-query"],
  hasWebhooks: true,
  open({ file, now }) {
    const accounts = accountsOf((name) => {
      const of = (kind: string, make: () => string) => file(name === "" ? `twilio-${kind}` : `twilio-${kind}-${name}`, make);
      const token = of("auth-token", () => randomHex(16));
      const secret = of("api-key-secret", () => randomHex(16));
      const [accountSid, apiKeySid] = [
        of("account-sid", () => `AC${randomHex(16)}`).text,
        of("api-key-sid", () => `SK${randomHex(16)}`).text,
      ];
      const own = { name, authToken: token.text, apiKey: { sid: apiKeySid, secret: secret.text }, from: senderOf(name) };
      return { ...own, accountSid, tokenFile: token.path, secretFile: secret.path };
    });
    const optOuts = createTwilioOptOuts();
    return {
      listen: overHttp({ kind: "http" }, createTwilio({ accounts: accounts.all, now, optOuts })),
      webhooks: createTwilioWriter(accounts.all, optOuts),
      env(origin, callbacks, { name }) {
        const { accountSid, tokenFile, secretFile, apiKey, from } = accounts.named(name);
        return {
          TWILIO_ORIGIN: origin,
          TWILIO_ACCOUNT_SID: accountSid,
          TWILIO_AUTH_TOKEN_FILE: tokenFile,
          // The first account has its auth token alone, as most do.
          ...(name === "" ? {} : { TWILIO_API_KEY_SID: apiKey.sid, TWILIO_API_KEY_SECRET_FILE: secretFile }),
          TWILIO_FROM: from,
          TWILIO_STATUS_CALLBACK_URL: `${callbacks}/twilio${name === "" ? "" : `/${name}`}`,
        };
      },
    };
  },
};

/** A number of the account's own: two accounts have no sender in common. */
const senderOf = (name: string) =>
  name === ""
    ? "+15005550006"
    : `+1500556${(createHash("sha256").update(name).digest().readUInt16BE() % 10_000).toString().padStart(4, "0")}`;
