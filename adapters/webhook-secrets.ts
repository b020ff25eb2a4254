import { createHmac, randomBytes } from "node:crypto";
import type { Values } from "../runtime/config.ts";
import { type WatchTokensParts, watchTokens } from "../runtime/internal-tokens.ts";
import { sealToken, unsealToken } from "../runtime/sealed-token.ts";
import { sealingKeysFile } from "../runtime/sealing-keys.ts";

// Standard Webhooks 1.0.0: a secret is `whsec_` and base64; the signed content is id, timestamp and body, joined by dots.

const SECRET_PREFIX = "whsec_";
/** The standard asks for 24 to 64. */
const SECRET_BYTES = 32;
const PURPOSE = "webhook-secret";

export const webhookKeyVariables = {
  WEBHOOK_KEYS_FILE: sealingKeysFile({
    seals: "the secrets of apps' webhook endpoints in the store, for the relay and for `carillon app webhook`",
    keepOld: " until each endpoint has a newer secret",
    empty: "apps have no webhooks",
  }),
};

/** A new secret, as its owner gets it. */
export const createWebhookSecret = (): string => `${SECRET_PREFIX}${randomBytes(SECRET_BYTES).toString("base64")}`;

/** As the store keeps it. Throws where there is no key. */
export const sealWebhookSecret = (secret: string, keys: readonly string[]): string => sealToken(secret, { purpose: PURPOSE, keys });

/** What is signed; `seconds` since the epoch, of this call. */
export interface SignedMessage {
  id: string;
  seconds: number;
  body: string;
}

/** Headers of a call, by sealed secrets. */
export interface WebhookSigner {
  /** Whether there is a key. */
  isOn(): boolean;
  /** With a signature for each secret. Undefined: none of them can be opened, because the key that sealed it is gone. */
  headers(message: SignedMessage, sealed: readonly string[]): Record<string, string> | undefined;
}

/** @param keysNow the first seals, each opens */
export const createWebhookSigner = (keysNow: () => readonly string[]): WebhookSigner => ({
  isOn: () => keysNow().length > 0,
  headers({ id, seconds, body }, sealed) {
    const keys = keysNow();
    const secrets = sealed.flatMap((one) => unsealToken(one, { purpose: PURPOSE, keys }) ?? []);
    if (secrets.length === 0) return undefined;
    const signed = `${id}.${seconds}.${body}`;
    const signatures = secrets.map((secret) => `v1,${createHmac("sha256", bytesOf(secret)).update(signed).digest("base64")}`);
    return { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": signatures.join(" ") };
  },
});

const bytesOf = (secret: string) => Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");

/** Reads the keys again while the role runs. */
export function watchWebhookSigner({
  config,
  ...parts
}: WatchTokensParts & { config: Values<typeof webhookKeyVariables> }): WebhookSigner & Disposable {
  const keys = watchTokens(webhookKeyVariables, config, parts);
  return { ...createWebhookSigner(keys), [Symbol.dispose]: () => keys[Symbol.dispose]() };
}
