import { storeVariables } from "../adapters/store/store-config.ts";
import { parsePublicKey } from "../providers/sendgrid/webhook.ts";
import { ConfigError, url, type Values, type Variable, watchedSecretFile } from "../runtime/config.ts";

const publicUrl = url(["https", "http"], {
  default: "",
  reason:
    "where the world reaches this role: the signatures of Twilio and Mandrill cover it. Its path is put before /twilio and the others; port 0 is the one listened on",
});
const publicKey = watchedSecretFile({ default: "", reason: "the Event Webhook's verification key; empty: /sendgrid is not served" });

/** What signatures are checked by. */
export const webhookVariables = {
  TWILIO_AUTH_TOKEN_FILE: watchedSecretFile({ default: "", reason: "signs Twilio's status callbacks; empty: /twilio is not served" }),
  VONAGE_SIGNATURE_SECRET_FILE: watchedSecretFile({
    default: "",
    reason: "signs Vonage's delivery receipts, by SHA-256 HMAC; empty: /vonage is not served",
  }),
  SENDGRID_WEBHOOK_PUBLIC_KEY_FILE: {
    ...publicKey,
    secret: false,
    parse(path) {
      const key = publicKey.parse(path);
      if (key !== "" && parsePublicKey(key) === undefined) throw new Error("must hold a key as SendGrid shows it: base64 of DER");
      return key;
    },
  } satisfies Variable<string>,
  MANDRILL_WEBHOOK_KEY_FILE: watchedSecretFile({
    default: "",
    reason: "the webhook's own key, not the API's; empty: /mandrill is not served",
  }),
};

export const feedbackVariables = {
  ...storeVariables,
  FEEDBACK_LISTEN: {
    type: "host:port",
    default: "0.0.0.0:7720",
    reason: "where providers' webhooks come in, behind an ingress that ends TLS",
    parse(given) {
      const [, host, port] = /^(?:\[([\d:a-f]+)\]|[^:[\]]+):\d{1,5}$/i.test(given) ? (/^\[?(.+?)\]?:(\d+)$/.exec(given) ?? []) : [];
      if (host === undefined || Number(port) > 65_535) throw new Error("must be host:port");
      return { host, port: Number(port) };
    },
  } satisfies Variable<{ host: string; port: number }>,
  FEEDBACK_URL: {
    ...publicUrl,
    parse: (given) => (given === "" ? "" : publicUrl.parse(given).replace(/\/+$/, "")),
  } satisfies Variable<string>,
  ...webhookVariables,
};
export type FeedbackConfig = Values<typeof feedbackVariables>;

/** Throws a ConfigError where a signature could never be checked. */
export function requireUrl(config: FeedbackConfig): void {
  const signers = (["TWILIO_AUTH_TOKEN_FILE", "MANDRILL_WEBHOOK_KEY_FILE"] as const).filter((name) => config[name] !== "");
  if (config.FEEDBACK_URL === "" && signers.length > 0)
    throw new ConfigError([`FEEDBACK_URL: must be set, because ${signers.join(" and ")} ${signers.length > 1 ? "are" : "is"}`]);
}
