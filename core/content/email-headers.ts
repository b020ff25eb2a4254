import type { ContentFault } from "./codec.ts";

/** In lower case, as all names here: header names have no case (RFC 5322, section 1.2.2). */
const ALLOWED: ReadonlySet<string> = new Set([
  "references",
  "in-reply-to",
  "list-id",
  "list-help",
  "feedback-id",
  "precedence",
  "auto-submitted",
  "importance",
]);
/**
 * X- headers that a provider takes as instructions, some of which name further recipients: SendGrid, Mandrill, SparkPost (MSYS), Amazon SES, Mailgun,
 * Postmark (PM), Mailjet (MJ), Brevo (Mailin, SIB), Elastic Email, SocketLabs, Tipimail, Exchange; and our own marks. An SMTP relay may be any of them.
 */
const INSTRUCTIONS =
  /^x-(smtpapi$|mc-|msys-|ses-|mailgun-|pm-|mj-|mailjet-|mailin-|sib-|elasticemail-|socketlabs-|xs-|tm-|tipimail-|sg-|sparkpost-|ms-exchange-|forefront-|carillon)/;

const WRITTEN = "Carillon writes it";
const SERVERS = "mail servers write it";
/** What to do instead of giving such a header. */
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
/** RFC 5322, section 3.6.4. Relays reject mails in which they hold anything else. */
const THREAD_HEADERS: ReadonlySet<string> = new Set(["references", "in-reply-to"]);
const MESSAGE_IDS = /^<[^\s<>@]+@[^\s<>@]+>( <[^\s<>@]+@[^\s<>@]+>)*$/;
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
  ];
}

function headerFault(name: string, value: string): ContentFault[] {
  const lower = name.toLowerCase();
  const allowed = ALLOWED.has(lower) || (lower.startsWith("x-") && !INSTRUCTIONS.test(lower));
  if (!allowed) return [{ field: FIELD, rule: "header.protected", message: `${name} is refused: ${insteadOf(lower)}` }];
  if (!PRINTABLE.test(value) || value.length > VALUE_CHARS_MAX)
    return [{ field: FIELD, rule: "header.value", message: `${name} must be 1 to ${VALUE_CHARS_MAX} printable ASCII characters` }];
  if (!THREAD_HEADERS.has(lower) || MESSAGE_IDS.test(value)) return [];
  return [{ field: FIELD, rule: "header.ids", message: `${name} must be Message-IDs with spaces between them: <left@right>` }];
}

function insteadOf(lower: string): string {
  if (Object.hasOwn(INSTEAD, lower)) return INSTEAD[lower]!;
  if (lower.startsWith("content-")) return `${WRITTEN}; use content.email.attachments or content.email.calendar for a part of its own`;
  if (lower.startsWith("list-unsubscribe")) return WRITTEN;
  if (INSTRUCTIONS.test(lower)) return "it would instruct the provider; use content.email.overrides";
  return `allowed are ${[...ALLOWED].join(", ")} and x-*`;
}
