import type { Clock } from "../../core/ports/clock.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import { sealToken, unsealToken } from "../../runtime/sealed-token.ts";
import { type CookieSpec, readCookie, removeCookie, setCookie } from "./cookies.ts";
import type { LoginSecrets } from "./oidc.ts";
import type { SessionParts } from "./sessions.ts";

/** From the console's page to the issuer's and back: time for a second factor. */
export const LOGIN_MS_MAX = 10 * 60_000;
const PURPOSE = "console login";

/** A sign-in that is under way in a browser. */
interface Login extends LoginSecrets {
  returnTo: string;
}

/** Keeps a sign-in in the browser that began it, sealed: no replica needs to remember it, and no other browser can finish it. */
export interface LoginCookie {
  set(login: Login): string;
  /** Undefined: this browser has begun none, or too long ago. */
  read(cookieHeader: string | undefined): Login | undefined;
  remove(): string;
}

export function createLoginCookie({ clock, keys, isSecure }: SessionParts & { clock: Pick<Clock, "now"> }): LoginCookie {
  // The issuer sends the browser back by a navigation from its own site.
  const spec: CookieSpec = { name: "carillon-login", sameSite: "Lax", isSecure };
  const sealing = () => ({ purpose: PURPOSE, keys: keys() });
  return {
    set: ({ state, nonce, verifier, returnTo }) =>
      setCookie(
        spec,
        sealToken(JSON.stringify({ state, nonce, verifier, returnTo, until: clock.now() + LOGIN_MS_MAX }), sealing()),
        LOGIN_MS_MAX / 1_000,
      ),
    read(header) {
      const token = readCookie(header, spec);
      const text = token === undefined ? undefined : unsealToken(token, sealing());
      if (text === undefined) return undefined;
      // Sealed by set(), of this version or of one that wrote the same.
      const { until, ...login } = parseJson(text) as Login & { until: number };
      return clock.now() < until ? login : undefined;
    },
    remove: () => removeCookie(spec),
  };
}
