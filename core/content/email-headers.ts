import type { Priority } from "../delivery/channel.ts";
import type { ContentFault } from "./codec.ts";

interface HeaderForm {
  holds(value: string): boolean;
  rule: string;
  /** In words, after "must". */
  says: string;
}

const ANY: HeaderForm = { holds: () => true, rule: "", says: "" };
const oneOf = (...words: string[]): HeaderForm => ({
  holds: (value) => words.includes(value.toLowerCase()),
  rule: "header.word",
  says: `be ${words.join(", ").replace(/, (?=[^,]*$)/, " or ")}`,
});

/** RFC 5322, section 3.6.4. Relays reject mails in which these hold anything else. */
const MESSAGE_IDS: HeaderForm = {
  holds: (value) => /^<[^\s<>@]+@[^\s<>@]+>( <[^\s<>@]+@[^\s<>@]+>)*$/.test(value),
  rule: "header.ids",
  says: "be Message-IDs with spaces between them: <left@right>",
};
/** RFC 2369, section 2, without its comments. */
const LIST_URIS: HeaderForm = {
  holds: (value) => value.split(/, ?(?=<)/).every(isListUri),
  rule: "header.uris",
  says: "be https or mailto URIs in angle brackets, with commas between them: <https://shop.example/list>, <mailto:list@shop.example>",
};
/** RFC 2369, section 3.4: nobody may post to the list. */
const LIST_POST: HeaderForm = {
  holds: (value) => value === "NO" || LIST_URIS.holds(value),
  rule: LIST_URIS.rule,
  says: `be NO, or ${LIST_URIS.says.slice("be ".length)}`,
};
/** What List-Unsubscribe-Post is (RFC 8058, section 3.1). */
export const ONE_CLICK_VALUE = "List-Unsubscribe=One-Click";
const ONE_CLICK: HeaderForm = {
  holds: (value) => value === ONE_CLICK_VALUE,
  rule: "header.one-click",
  says: `be ${ONE_CLICK_VALUE}`,
};

/** Whether a List-Unsubscribe is one that mail programs can read. */
export const isListUnsubscribe = (value: string): boolean => LIST_URIS.holds(value);

function isListUri(text: string): boolean {
  const uri = /^<([^\s<>]+)>$/.exec(text)?.[1] ?? "";
  return /^mailto:[^\s@?]+@[^\s@?]+/i.test(uri) || (/^https:\/\/[^/]/i.test(uri) && URL.canParse(uri));
}

/** The headers that a caller may give, by their names in lower case: header names have no case (RFC 5322, section 1.2.2). */
const ALLOWED: ReadonlyMap<string, HeaderForm> = new Map([
  ["references", MESSAGE_IDS],
  ["in-reply-to", MESSAGE_IDS],
  ["list-id", ANY],
  ["list-help", LIST_URIS],
  ["list-unsubscribe", LIST_URIS],
  ["list-unsubscribe-post", ONE_CLICK],
  ["list-subscribe", LIST_URIS],
  ["list-post", LIST_POST],
  ["list-owner", LIST_URIS],
  ["list-archive", LIST_URIS],
  ["feedback-id", ANY],
  ["precedence", ANY],
  ["auto-submitted", ANY],
  // RFC 2156, sections 5.3.4 and 5.3.6.
  ["importance", oneOf("low", "normal", "high")],
  ["priority", oneOf("non-urgent", "normal", "urgent")],
]);
/**
 * X- headers that a provider takes as instructions, some of which name further recipients: SendGrid, Mandrill, SparkPost (MSYS), Amazon SES, Mailgun,
 * Postmark (PM), Mailjet (MJ), Brevo (Mailin, SIB), Elastic Email, SocketLabs, Tipimail, Exchange; and our own marks. An SMTP relay may be any of them.
 */
const INSTRUCTIONS =
  /^x-(smtpapi$|mc-|msys-|ses-|mailgun-|pm-|mj-|mailjet-|mailin-|sib-|elasticemail-|socketlabs-|xs-|tm-|tipimail-|sg-|sparkpost-|ms-exchange-|forefront-|carillon)/;

const WRITTEN = "Carillon writes it";
const SERVERS = "mail servers write it";
/** What to use instead of a header that is not allowed. */
const INSTEAD: Readonly<Record<string, string>> = {
  from: "use content.email.from",
  sender: "use content.email.from",
  to: "use recipient",
  cc: "use content.email.cc",
  bcc: "use content.email.bcc",
  "reply-to": "use content.email.reply_to",
  subject: "use content.email.subject",
  date: WRITTEN,
  "message-id": `${WRITTEN}; use References and In-Reply-To for a thread`,
  "mime-version": WRITTEN,
  "return-path": SERVERS,
  received: SERVERS,
  "dkim-signature": SERVERS,
  "authentication-results": SERVERS,
};

/** Characters of one value. RFC 5322 allows 998 in a line. */
const VALUE_CHARS_MAX = 998;
/** Of names and values together, in bytes: Gmail rejects mails with headers above 500 kB, and a provider adds its own. */
const HEADERS_BYTES_MAX = 8_192;
const PRINTABLE = /^[!-~]([ -~]*[!-~])?$/;

const FIELD = "content.email.headers";

/** @param headers their names are of letters, digits and hyphens */
export function headerFaults(headers: Readonly<Record<string, string>> = {}): ContentFault[] {
  const entries = Object.entries(headers);
  const names = new Set(entries.map(([name]) => name.toLowerCase()));
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value), 0);
  return [
    ...entries.flatMap(([name, value]) => headerFault(name, value)),
    ...(names.size < entries.length ? [{ field: FIELD, rule: "header.twice", message: "has a name twice, in different case" }] : []),
    ...(bytes > HEADERS_BYTES_MAX
      ? [{ field: FIELD, rule: "headers.bytes", message: `has ${bytes} bytes; at most ${HEADERS_BYTES_MAX}` }]
      : []),
    ...oneClickFaults(headers),
  ];
}

function headerFault(name: string, value: string): ContentFault[] {
  const lower = name.toLowerCase();
  const form = ALLOWED.get(lower) ?? (lower.startsWith("x-") && !INSTRUCTIONS.test(lower) ? ANY : undefined);
  if (form === undefined) return [{ field: FIELD, rule: "header.protected", message: `${name} is refused: ${insteadOf(lower)}` }];
  if (!PRINTABLE.test(value) || value.length > VALUE_CHARS_MAX)
    return [{ field: FIELD, rule: "header.value", message: `${name} must be 1 to ${VALUE_CHARS_MAX} printable ASCII characters` }];
  return form.holds(value) ? [] : [{ field: FIELD, rule: form.rule, message: `${name} must ${form.says}` }];
}

/** It says that a POST to an https URI of List-Unsubscribe is enough (RFC 8058, section 3.1). */
function oneClickFaults(headers: Readonly<Record<string, string>>): ContentFault[] {
  if (headerOf(headers, "list-unsubscribe-post") === undefined) return [];
  if (/<https:/i.test(headerOf(headers, "list-unsubscribe") ?? "")) return [];
  return [{ field: FIELD, rule: "header.one-click", message: "List-Unsubscribe-Post needs List-Unsubscribe with an https URI" }];
}

/** @param name in lower case */
const headerOf = (headers: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];

/** The headers by which mail programs mark a mail. X-Priority is what older ones read: 1 is the highest, 5 the lowest. */
const MARKS: Readonly<Record<Priority, Readonly<Record<string, string>>>> = {
  high: { Importance: "high", "X-Priority": "1" },
  normal: {},
  low: { Importance: "low", "X-Priority": "5" },
};
const SAYS_PRIORITY: ReadonlySet<string> = new Set(["importance", "priority", "x-priority", "x-msmail-priority"]);

/** A mail's headers with the marks of a priority; as they are where they speak of one themselves. */
export function withPriority(headers: Record<string, string> | undefined, priority: Priority): Record<string, string> | undefined {
  const isSaid = Object.keys(headers ?? {}).some((name) => SAYS_PRIORITY.has(name.toLowerCase()));
  return isSaid || priority === "normal" ? headers : { ...headers, ...MARKS[priority] };
}

/** What mail programs show a button to unsubscribe by (RFC 8058). */
export interface OneClick {
  /** https, or http in a development system. */
  url: string;
  /** Without angle brackets (RFC 2919); a caller's own stays. */
  listId: string;
}

/** A mail's headers with those of one click, which take the place of the caller's. */
export function withOneClick(headers: Readonly<Record<string, string>>, { url, listId }: OneClick): Record<string, string> {
  const others = Object.entries(headers).filter(([name]) => !REPLACED.has(name.toLowerCase()));
  return {
    ...Object.fromEntries(others),
    ...(headerOf(headers, "list-id") === undefined ? { "List-Id": `<${listId}>` } : {}),
    ...{ "List-Unsubscribe": `<${url}>`, "List-Unsubscribe-Post": ONE_CLICK_VALUE },
  };
}
const REPLACED: ReadonlySet<string> = new Set(["list-unsubscribe", "list-unsubscribe-post"]);

/** Whether a caller offers to unsubscribe by headers of its own. */
export const hasListUnsubscribe = (headers: Readonly<Record<string, string>> = {}): boolean =>
  headerOf(headers, "list-unsubscribe") !== undefined;

/** Whether headers mark a mail as one of high priority. */
export const isMarkedHigh = (headers: Readonly<Record<string, string>>): boolean =>
  headerOf(headers, "importance")?.toLowerCase() === "high" || headerOf(headers, "x-priority")?.startsWith("1") === true;

function insteadOf(lower: string): string {
  if (Object.hasOwn(INSTEAD, lower)) return INSTEAD[lower]!;
  if (lower.startsWith("content-")) return `${WRITTEN}; use content.email.attachments or content.email.calendar for a part of its own`;
  if (INSTRUCTIONS.test(lower)) return "it would instruct the provider; use content.email.overrides";
  return `allowed are ${[...ALLOWED.keys()].join(", ")} and x-*`;
}
