import { claimOf, claimText, type UnsubscribeClaim } from "../core/preferences/unsubscribe-token.ts";
import { ConfigError, type Values } from "../runtime/config.ts";
import { type WatchTokensParts, watchTokens } from "../runtime/internal-tokens.ts";
import { isLoopback } from "../runtime/loopback.ts";
import { publicUrl } from "../runtime/public-url.ts";
import { sealToken, unsealToken } from "../runtime/sealed-token.ts";
import { sealingKeysFile } from "../runtime/sealing-keys.ts";

export const unsubscribeKeyVariables = {
  UNSUBSCRIBE_KEYS_FILE: sealingKeysFile({
    seals: "the tokens of recipients' links, to unsubscribe and to choose",
    keepOld: ", because mails are kept",
    empty: "mails have no link",
  }),
};

/** Of the roles that make links: the dispatcher of e-mail and preferences. */
export const unsubscribeVariables = {
  ...unsubscribeKeyVariables,
  FEEDBACK_URL: publicUrl({
    reason:
      "where recipients reach the role feedback: their links begin with it. https, which RFC 8058 asks for; http: only at loopback addresses",
  }),
};

/** Below the public URL of feedback. */
export const UNSUBSCRIBE_PATH = "/u/";
const PURPOSE = "unsubscribe";

/** Throws a ConfigError where links cannot be written as configured. Without keys there are to be none. */
export function requireLinks({ UNSUBSCRIBE_KEYS_FILE: keys, FEEDBACK_URL: base }: Values<typeof unsubscribeVariables>): void {
  if (keys.length === 0) return;
  if (base === "") throw new ConfigError(["FEEDBACK_URL: must be set, because UNSUBSCRIBE_KEYS_FILE is"]);
  const { protocol, hostname } = new URL(base);
  if (protocol !== "https:" && !isLoopback(hostname))
    throw new ConfigError([
      "FEEDBACK_URL: must begin with https: unless it is at a loopback address, because UNSUBSCRIBE_KEYS_FILE is set",
    ]);
}

/** Links to unsubscribe, with the keys as their file has them now. */
export interface UnsubscribeLinks extends Disposable {
  /** Whether there is a key. */
  isOn(): boolean;
  /** @param base public URL of feedback. Throws where there is no key. */
  urlOf(claim: UnsubscribeClaim, base: string): string;
  /** What a token says; undefined: it is forged, cut, or of a key that is gone. */
  claimIn(token: string): UnsubscribeClaim | undefined;
  /** As they are now; other links of recipients are sealed with them, too. */
  keys(): readonly string[];
}

/** Reads the keys again while the role runs. */
export function watchUnsubscribeLinks({
  config,
  ...parts
}: WatchTokensParts & { config: Values<typeof unsubscribeKeyVariables> }): UnsubscribeLinks {
  const keys = watchTokens(unsubscribeKeyVariables, config, parts);
  return {
    keys: () => keys(),
    isOn: () => keys().length > 0,
    urlOf: (claim, base) => `${base}${UNSUBSCRIBE_PATH}${sealToken(claimText(claim), { purpose: PURPOSE, keys: keys() })}`,
    claimIn(token) {
      const text = unsealToken(token, { purpose: PURPOSE, keys: keys() });
      return text === undefined ? undefined : claimOf(text);
    },
    [Symbol.dispose]: () => keys[Symbol.dispose](),
  };
}
