/** A cookie of the console, for all of its paths and no other host. */
export interface CookieSpec {
  name: string;
  /** Strict: never sent with a request that another site began. Lax: sent with a plain navigation from there, as from the identity provider. */
  sameSite: "Strict" | "Lax";
  /** Whether browsers reach the console by https. Then the name has the prefix by which they refuse the cookie from other hosts and from http. */
  isSecure: boolean;
}

/** Session and login together take below 4 kB; a longer header is not read. */
const HEADER_CHARS_MAX = 8_192;

const fullName = ({ name, isSecure }: CookieSpec) => (isSecure ? `__Host-${name}` : name);

/** A line of Set-Cookie. @param maxAgeS seconds; 0 removes the cookie */
export function setCookie(cookie: CookieSpec, value: string, maxAgeS: number): string {
  const attributes = ["Path=/", "HttpOnly", `SameSite=${cookie.sameSite}`, `Max-Age=${maxAgeS}`, ...(cookie.isSecure ? ["Secure"] : [])];
  return `${fullName(cookie)}=${value}; ${attributes.join("; ")}`;
}

export const removeCookie = (cookie: CookieSpec): string => setCookie(cookie, "", 0);

/** The value in a Cookie header. Undefined where there is none, or more than one: another site of the domain may have set one of them. */
export function readCookie(header: string | undefined, cookie: CookieSpec): string | undefined {
  if (header === undefined || header.length > HEADER_CHARS_MAX) return undefined;
  const start = `${fullName(cookie)}=`;
  const [found, ...more] = header
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part.startsWith(start));
  return found === undefined || more.length > 0 ? undefined : found.slice(start.length);
}
