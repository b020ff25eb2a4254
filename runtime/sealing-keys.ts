import { tokensFile } from "./internal-tokens.ts";

/** A new key each quarter for five years: mails are kept, and with them the links that a key has sealed. */
const KEYS_MAX = 20;

/**
 * The path of a file with the keys of sealed tokens (sealed-token.ts), or "" for no keys.
 * @param about parts of its description: what the keys seal, how long old keys must be kept (after "keep the old ones"), and what having no keys means
 */
export const sealingKeysFile = ({ seals, keepOld, empty }: { seals: string; keepOld: string; empty: string }) =>
  tokensFile({
    max: KEYS_MAX,
    default: "",
    reason:
      `seals ${seals}. The first key seals, each opens: add a new one at the end, put it first once every pod has read it, and keep the old ones${keepOld}. ` +
      `Empty: ${empty}`,
  });
