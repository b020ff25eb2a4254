import { canonicalAddress } from "./email-address.ts";
import type { Endpoint } from "./endpoint.ts";

/** Stands where something was hidden. */
const HIDDEN = "…";
/** Digits of the shortest number that is hidden: tickets, times and codes of providers are shorter. With a plus it is E.164, which begins at 7. */
const [NUMBER_DIGITS_MIN, E164_DIGITS_MIN] = [8, 7];
/** Last digits of a person's own number by which it is known without its country code: subscriber numbers of most countries have as many. */
const OWN_DIGITS = 7;
/** A text may have been escaped again, as a URL in a URL. */
const ESCAPES_MAX = 3;

/** An id of ours: 32 hex digits, of a delivery or an attempt with its numbers. It names nobody. */
const OWN_ID = /^[0-9a-f]{32}(-\d{1,6})?(\/\d{1,6})?$/;
/** A date, also with its hour. */
const DATE = /^(\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{4})( \d\d)?$/;

/** Scheme, host and the rest. A name or password before the host is no part of either. */
const URLS = /\b([a-z][a-z0-9+.-]{1,20}:\/\/)(?:[^\s/@<>"'?#]*@)?([^\s/<>"'?#]*)([/?#][^\s<>"']*)?/gi;
/** What ends an address in a text. */
const BETWEEN = "\\s<>\"',;:()";
/** Also with a quoted part before the @ (RFC 5321), and with the wide @ of Chinese and Japanese keyboards. */
const ADDRESSES = new RegExp(`(?<![^${BETWEEN}])(?:"[^"\\n]{1,64}"|[^${BETWEEN}@＠]+)[@＠][^${BETWEEN}]+`, "gu");
/** Characters of the shortest token: a Firebase installation id, and the secret of a push subscription. Others have 32 and more. */
const TOKEN_CHARS_MIN = 22;
/** How often small letters, capitals and digits change within a token: random text of TOKEN_CHARS_MIN characters does a dozen times, words joined by hyphens rarely. */
const TOKEN_TURNS_MIN = 4;
const TURNS = /[a-z](?=[A-Z\d])|[A-Z](?=[a-z\d])|\d(?=[a-zA-Z])/g;
const WORDS = new RegExp(`[\\w:~=+%/-]{${TOKEN_CHARS_MIN},}`, "g");
/** What people write between the digits of a phone number. */
const GAP = "[\\p{Zs}\\p{Pd}()./]*";
/** Ids of ours, which are left as they are, and numbers in the digits of any script. */
const NUMBERS = new RegExp(`\\b[0-9a-f]{32}\\b(?:-\\d+)?(?:/\\d+)?|[+＋]?\\(?\\p{Nd}(?:${GAP}\\p{Nd})+`, "gu");

/**
 * Free text without what may be an endpoint of anybody: mail addresses, phone numbers however they are written, push tokens, and what follows the host in a
 * URL. What is percent-encoded counts as what it stands for. Dates, short numbers and our own ids stay. Pure, and linear in the length of the text.
 * @param own endpoints of the person whom the text is about: they are hidden also where no pattern would recognise them
 */
export const hideEndpoints = (text: string, own: readonly Endpoint[] = []): string =>
  hidden(text, (plain) => hideAny(own.reduce(hideOne, plain)));

/** Free text without these endpoints. Everything else stays, long numbers of orders too. */
export const hideOwnEndpoints = (text: string, own: readonly Endpoint[]): string => hidden(text, (plain) => own.reduce(hideOne, plain));

/** A text with escapes is shown as it was written, unless there is something to hide in what it stands for. */
function hidden(text: string, hide: (plain: string) => string): string {
  let plain = text;
  for (let i = 0; i < ESCAPES_MAX; i++) plain = unescaped(plain);
  const shown = hide(plain);
  return shown === plain ? hide(text) : shown;
}

const hideAny = (text: string): string =>
  text
    .replace(URLS, (_, scheme: string, host: string, rest = "") => `${scheme}${host}${rest === "" || rest === "/" ? rest : `/${HIDDEN}`}`)
    .replace(ADDRESSES, HIDDEN)
    .replace(WORDS, (word) => (word.split("/").some(isToken) && !OWN_ID.test(word) ? HIDDEN : word))
    .replace(NUMBERS, (found) => (isNumber(found) ? HIDDEN : found));

const isToken = (part: string) =>
  !OWN_ID.test(part) && part.length >= TOKEN_CHARS_MIN && (part.match(TURNS)?.length ?? 0) >= TOKEN_TURNS_MIN;

function isNumber(found: string): boolean {
  if (OWN_ID.test(found) || DATE.test(found)) return false;
  const digits = found.match(/\p{Nd}/gu)?.length ?? 0;
  return digits >= (/^[+＋]/.test(found) ? E164_DIGITS_MIN : NUMBER_DIGITS_MIN);
}

function hideOne(text: string, endpoint: Endpoint): string {
  switch (endpoint.channel) {
    case "apns":
    case "fcm":
      return without(text, literal(endpoint.token));
    case "webpush":
      return [endpoint.pushUrl, endpoint.p256dh, endpoint.auth].map(literal).reduce(without, text);
    case "email":
      return withoutAddress(text, endpoint.address);
    case "sms": {
      const digits = endpoint.phoneNumber.replace(/\D/g, "").slice(-OWN_DIGITS);
      return without(text, digits && `[+＋(]?(?:\\p{Nd}${GAP}){0,12}${[...digits].join(GAP)}`);
    }
  }
}

/** Also with blanks around the @, within another address as bounces have it, and with its domain in Unicode. */
function withoutAddress(text: string, address: string): string {
  const keyOf = (found: string) => canonicalAddress(found.replace("＠", "@").replace(/[.!?]+$/, "")).toLowerCase();
  const own = keyOf(address);
  const isOwn = (found: string) => keyOf(found) === own || keyOf(found).endsWith(`=${own}`);
  const spelled = address.split("@").map(literal).join("\\s*[@＠=]\\s*");
  return without(text, spelled).replace(ADDRESSES, (found) => (isOwn(found) ? HIDDEN : found));
}

/** In any case: addresses and tokens in hex are written either way. @param pattern "": nothing is cut out */
const without = (text: string, pattern: string): string => (pattern === "" ? text : text.replace(new RegExp(pattern, "giu"), HIDDEN));

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** Percent escapes of UTF-8, and numeric character references of HTML. What is none stays. */
function unescaped(text: string): string {
  return text
    .replace(/&#(?:x([0-9a-f]{1,5})|(\d{1,6}));/gi, (_, hex?: string, digits?: string) =>
      String.fromCodePoint(hex === undefined ? Number(digits) : Number.parseInt(hex, 16)),
    )
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
      try {
        return decodeURIComponent(run);
      } catch {
        return run;
      }
    });
}
