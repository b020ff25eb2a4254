/**
 * The push services of today's browsers, each documented by its vendor for allow-lists: Chrome, Opera, Samsung and Edge on Android; Chrome's
 * subscriptions from before 2017, which Google answers as gone; Firefox; Edge on desktops; Safari ("*.push.apple.com", of which
 * web.push.apple.com is in use).
 */
export const PUSH_HOSTS = [
  "fcm.googleapis.com",
  "android.googleapis.com",
  "updates.push.services.mozilla.com",
  "*.notify.windows.com",
  "*.push.apple.com",
] as const;

export interface PushUrl {
  /** https, host, path and query, as one spelling: the same subscription always has the same text. Without a fragment. */
  url: string;
  /** The host's name in lower case, with its port where that is not 443. */
  host: string;
}

/** Letters, digits and hyphens (RFC 1123 section 2.1), which excludes escapes, underscores, trailing dots and other scripts. */
const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const NAME = `${LABEL}(?:\\.${LABEL})*`;
/** An IPv6 address is written in brackets. Only a listed one passes: see parsePushUrl. */
const HOST = `(?:${NAME}|\\[[0-9a-f:.]{2,45}\\])`;
const NAME_CHARS_MAX = 253;
/**
 * RFC 3986's characters of a path, a query and a fragment, without the apostrophe, which URL parsers treat differently. No backslash, space,
 * control character or other script: there, too, parsers disagree. A percent sign only as part of an escape: otherwise what one escape stands
 * for could complete another.
 */
const CHARACTERS = "[\\w.~:/?#@!$&()*+,;=-]*";
const URL_FORM = new RegExp(`^https://(${HOST})(?::(\\d{1,5}))?(?:[/?#]${CHARACTERS}(?:%[0-9a-f]{2}${CHARACTERS})*)?$`, "i");
/** Host or host:port; "*." stands for one or more labels, and at least two must follow. */
const PATTERN_FORM = new RegExp(`^(?:${HOST}|\\*\\.${LABEL}\\.${NAME})(?::\\d{1,5})?$`, "i");

/** Whether it can stand in the list of allowed push services. */
export const isPushHostPattern = (text: string) => PATTERN_FORM.test(text);

/** Whether a percent sign in it is not followed by two hexadecimal digits. */
export const hasBrokenEscape = (text: string) => /%(?![0-9a-f]{2})/i.test(text);

/** The URL in its one spelling; undefined where it is not https to a plain host name. Says nothing about whether that host may be called. */
export function canonicalPushUrl(text: string): PushUrl | undefined {
  const [, written = ""] = URL_FORM.exec(text) ?? [];
  if (written === "" || written.length > NAME_CHARS_MAX || !URL.canParse(text)) return undefined;
  const { hostname, host, pathname, search } = new URL(text);
  // 127.1, 0x7f000001 and 2130706433 are read as addresses, and some names in punycode as others: then another parser could read another host.
  if (hostname !== written.toLowerCase()) return undefined;
  return { url: `https://${host}${pathname}${search}`, host };
}

/**
 * The push URL as it is stored and called, or undefined where a push must not be sent to it: push URLs come from outside, and without the list
 * they could point into our own network. What is judged here is what is dialled, since only the returned URL is used afterwards.
 * @param hosts host or host:port (without one: 443), as isPushHostPattern checks them; a leading "*." stands for any subdomain, not for the domain itself
 */
export function parsePushUrl(text: string, hosts: readonly string[]): PushUrl | undefined {
  const parsed = canonicalPushUrl(text);
  return parsed !== undefined && hosts.some((pattern) => isListed(parsed.host, pattern.toLowerCase().replace(/:443$/, "")))
    ? parsed
    : undefined;
}

function isListed(host: string, pattern: string): boolean {
  if (!pattern.startsWith("*.")) return host === pattern;
  const domain = pattern.slice(1);
  return host.endsWith(domain) && host.length > domain.length;
}
