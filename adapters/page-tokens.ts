import { parsePlace, placeText } from "../core/delivery/place.ts";
import type { Place } from "../core/ports/notification-store.ts";
import { sealToken, unsealToken } from "../runtime/sealed-token.ts";

const PURPOSE = "page of notifications";

/** Where a search goes on, as a text that callers can neither read nor change. */
export interface PageTokens {
  /** @param of what was searched for: the token is valid for the same search alone */
  seal(place: Place, of: string): string;
  /** Undefined: it was not sealed by us, or for another search. */
  read(token: string, of: string): Place | undefined;
}

/** @param keys the first seals, each opens; every process that reads such tokens has them */
export function createPageTokens(keys: () => readonly string[]): PageTokens {
  const sealing = () => ({ purpose: PURPOSE, keys: keys() });
  return {
    seal: (place, of) => sealToken(`${of} ${placeText(place)}`, sealing()),
    read(token, of) {
      const text = unsealToken(token, sealing());
      return text?.startsWith(`${of} `) ? parsePlace(text.slice(of.length + 1)) : undefined;
    },
  };
}
