import { type PageClaim, pageClaimOf, pageClaimText } from "../core/preferences/page-claim.ts";
import { sealRepeatably, unsealToken } from "../runtime/sealed-token.ts";

/** Below the public URL of feedback. */
export const PAGE_PATH = "/p/";
const PURPOSE = "preferences";

/** Links to the page where people choose. */
export interface PageLinks {
  /** Below the public URL of feedback; undefined: there is no key. */
  pathOf(claim: PageClaim): string | undefined;
  /** What a token says; undefined: it is forged, cut, or of a key that is gone. */
  claimIn(token: string): PageClaim | undefined;
}

/** @param keysNow the first seals, each opens */
export const createPageLinks = (keysNow: () => readonly string[]): PageLinks => ({
  pathOf(claim) {
    const keys = keysNow();
    return keys.length === 0 ? undefined : `${PAGE_PATH}${sealRepeatably(pageClaimText(claim), { purpose: PURPOSE, keys })}`;
  },
  claimIn(token) {
    const text = unsealToken(token, { purpose: PURPOSE, keys: keysNow() });
    return text === undefined ? undefined : pageClaimOf(text);
  },
});

/** Below the public URL of feedback: what a page needs besides its text. */
export const BRAND_PATH = "/brand/";
const BRAND_PURPOSE = "brand";

/** Names of apps' brands in public URLs, which say nothing of the app's id. The same for the same brand, so that browsers keep what they name. */
export interface BrandLinks {
  /** @param version changes with the brand */
  idOf(app: string, version: string): string | undefined;
  appIn(id: string): string | undefined;
}

/** @param keysNow as for page links */
export const createBrandLinks = (keysNow: () => readonly string[]): BrandLinks => ({
  idOf(app, version) {
    const keys = keysNow();
    return keys.length === 0 ? undefined : sealRepeatably(`${app}\n${version}`, { purpose: BRAND_PURPOSE, keys });
  },
  appIn: (id) => unsealToken(id, { purpose: BRAND_PURPOSE, keys: keysNow() })?.split("\n")[0],
});
