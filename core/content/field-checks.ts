import type { ContentFault } from "./codec.ts";
import { isExact, isJson, type JsonObject, jsonBytes } from "./json.ts";

// Checks of one field of a content, whatever its kind. Each returns no fault where the field is absent.

type Faults = ContentFault[];

/** Characters of a URL, which the contract states too. */
const URL_CHARS_MAX = 2_048;
/** Bytes of one provider's override: more than the largest push payload, and room for what a mail needs besides its content. */
const OVERRIDE_BYTES_MAX = 16_384;
/** Schemes of URLs that run code, or carry a content of their own, where an application or a browser opens them. */
const UNSAFE_SCHEMES: ReadonlySet<string> = new Set(["javascript", "vbscript", "data", "blob", "file", "about"]);
/** RFC 3986, section 3.1, with something after the colon. */
const SCHEME = /^([a-z][a-z0-9+.-]*):[^:]/i;

/** The text is a path from the root of an application's own site; "//host" and "/\\host" would be another's. */
export const isPath = (url: string) => /^\/(?![/\\])[^\\]*$/.test(url);

/** Letters, digits and what else a path has, without colon, quotes and brackets; a percent sign only as part of an escape. */
const ICON = /^(?!\/\/)(?:[\w./~+@!,=-]|%[0-9a-f]{2})+(?:\?(?:[\w./~+@!,=&:-]|%[0-9a-f]{2})*)?$/i;

const fault = (field: string, rule: string, message: string): Faults => [{ field, rule, message }];

/** Control characters, and with them every line break. */
export const hasControl = (text: string) => /\p{Cc}/u.test(text);

export const lineFaults = (field: string, text: string | undefined): Faults =>
  text !== undefined && hasControl(text) ? fault(field, "string.control", "must have no control characters and no line breaks") : [];

/** Spaces and control characters, which parsers of URLs treat differently. */
const hasGap = (text: string) => /[\s\p{Cc}]/u.test(text);

const isHttps = (url: string) => /^https:\/\/[^/]/i.test(url) && !hasGap(url) && url.length <= URL_CHARS_MAX && URL.canParse(url);

export const httpsFaults = (field: string, url: string | undefined): Faults =>
  url === undefined || isHttps(url) ? [] : fault(field, "url.https", `must be an https URL, without spaces; it ${urlShape(url)}`);

/** What is wrong with a URL, without its text: it may hold what is secret. */
function urlShape(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]{0,20}):/i.exec(url)?.[1]?.toLowerCase();
  if (hasGap(url)) return "has a space or a control character";
  if (scheme === undefined) return "has no scheme";
  if (scheme !== "https") return `begins with ${scheme}:${url.startsWith("//", scheme.length + 1) ? "//" : ""}`;
  if (url.length > URL_CHARS_MAX) return `has ${url.length} characters, and at most ${URL_CHARS_MAX} are possible`;
  return "has no host that can be read";
}

/** https, the scheme of an application, or a path of the application's site. */
export function clickUrlFaults(field: string, url: string | undefined): Faults {
  if (url === undefined || (isPath(url) && !hasGap(url))) return [];
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || hasGap(url))
    return fault(field, "url.scheme", "must be a URL with a scheme, or a path that begins with one slash, without spaces");
  if (UNSAFE_SCHEMES.has(scheme)) return fault(field, "url.unsafe", `must not be a ${scheme}: URL`);
  return scheme === "https" ? httpsFaults(field, url) : [];
}

/** An https URL, a path at the application's origin, or the name of a picture in the application. */
export const iconFaults = (field: string, icon: string | undefined): Faults =>
  icon === undefined || isHttps(icon) || ICON.test(icon)
    ? []
    : fault(field, "icon.form", "must be an https URL, a path, or the name of a drawable");

export function jsonFaults(field: string, json: JsonObject | undefined): Faults {
  if (json === undefined) return [];
  if (!isJson(json)) return fault(field, "json.number", "must hold no number that JSON cannot express (NaN, Infinity)");
  // What is beyond was rounded before it could be read: a Struct's numbers are doubles.
  return isExact(json) ? [] : fault(field, "json.integer", `must hold no number beyond ±${Number.MAX_SAFE_INTEGER}: give it as text`);
}

/** @param field of the overrides; @param overrides by provider */
export function overrideFaults(field: string, overrides: Readonly<Record<string, JsonObject | undefined>>): Faults {
  return Object.entries(overrides).flatMap(([provider, json]) => {
    if (json === undefined) return [];
    const at = `${field}.${provider}`;
    const invalid = jsonFaults(at, json);
    if (invalid.length > 0) return invalid;
    const bytes = jsonBytes(json);
    return bytes <= OVERRIDE_BYTES_MAX ? [] : fault(at, "override.bytes", `has ${bytes} bytes of JSON; at most ${OVERRIDE_BYTES_MAX}`);
  });
}
