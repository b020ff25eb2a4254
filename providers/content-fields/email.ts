import type { Content } from "../../core/content/content.ts";
import type { EmailContent } from "../../core/content/email-content.ts";
import type { FieldSection } from "./page.ts";
import type { Arrival, FieldRow } from "./row.ts";

export type EmailProvider = "sendgrid" | "mandrill" | "smtp";

const email = (over: Partial<EmailContent>): Content => ({ email: { subject: "Your receipt", html: "", text: "Thank you", ...over } });
const at = (path: string, value: unknown): Arrival => ({ path, value });
const row = (field: string, content: Content, sendgrid: Arrival, mandrill: Arrival, smtp: Arrival): FieldRow<EmailProvider> => ({
  ...{ field, content },
  arrives: { sendgrid, mandrill, smtp },
});

const HTML = "<p>Thank <b>you</b></p>";
const BASE64 = Buffer.from("a;b\r\n").toString("base64");
const FILE = { filename: "list.csv", contentType: "text/csv", base64: BASE64 };
const PICTURE = { filename: "logo.png", contentType: "image/png", base64: BASE64, contentId: "logo" };
const SHOWS_PICTURE = '<img src="cid:logo">';
const ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n";
const CALENDAR = { method: "REQUEST", ics: ICS };
const TYPE = "text/calendar; method=REQUEST";
const UNSUBSCRIBE = { "List-Unsubscribe": "<https://shop.example/u/17>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" };
/** The recipient's own link, which a dispatcher makes. */
export const LINK = "https://hooks.example/u/v1.AAAAAAAA.token.tag";
const OFFERED = {
  "List-Id": "<receipt.shop.carillon.dev>",
  "List-Unsubscribe": `<${LINK}>`,
  "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
};
const offered = (path: string, spell = (name: string) => name) =>
  Object.entries(OFFERED).map(([name, value]) => [`${path}.${spell(name)}`, value] as const);
const WITH_LINK = `Thank you\n\nUnsubscribe: ${LINK}\n`;

/** How the preheader's element begins. */
const SHORT = "psst";
const HIDDEN = `<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">${SHORT}${"&#847;&zwnj;&nbsp;".repeat(60)}</div>${HTML}`;

const COPY = { not: "a delivery of its own, which shows its own address" };
const OWN_LINK = { not: "it says whether Carillon offers to unsubscribe" };
const NONE = { not: "SMTP has no request to override" };

/** Where the fields of a mail arrive. */
export const EMAIL_ROWS: readonly FieldRow<EmailProvider>[] = [
  row("subject", email({}), at("subject", "Your receipt"), at("message.subject", "Your receipt"), at("headers.subject", "Your receipt")),
  row(
    "html",
    email({ html: HTML }),
    places(["content.1.type", "text/html"], ["content.1.value", HTML]),
    at("message.html", HTML),
    at("html", HTML),
  ),
  row("text", email({}), at("content.0.value", "Thank you"), at("message.text", "Thank you"), at("text", "Thank you")),
  row(
    "text (empty: made from html)",
    email({ html: HTML, text: "" }),
    at("content.0.value", "Thank you"),
    at("message.text", "Thank you"),
    at("text", "Thank you"),
  ),
  row(
    "from",
    email({ from: { address: "orders@carillon.dev", name: "Orders" } }),
    at("from", { email: "orders@carillon.dev", name: "Orders" }),
    places(["message.from_email", "orders@carillon.dev"], ["message.from_name", "Orders"]),
    at("headers.from", "Orders <orders@carillon.dev>"),
  ),
  row(
    "reply_to",
    email({ replyTo: [{ address: "help@shop.example" }] }),
    at("reply_to.email", "help@shop.example"),
    at("message.headers.Reply-To", "help@shop.example"),
    at("headers.reply-to", "help@shop.example"),
  ),
  row(
    "reply_to (several)",
    email({ replyTo: [{ address: "help@shop.example" }, { address: "a@shop.example", name: "A" }] }),
    at("reply_to_list.1", { email: "a@shop.example", name: "A" }),
    at("message.headers.Reply-To", 'help@shop.example, "A" <a@shop.example>'),
    at("headers.reply-to", "help@shop.example, A <a@shop.example>"),
  ),
  row("cc", email({ cc: [{ address: "bob@example.org", name: "Bob" }] }), COPY, COPY, at("headers.cc", "Bob <bob@example.org>")),
  row("bcc", email({ bcc: [{ address: "log@example.org" }] }), COPY, COPY, { not: "a delivery of its own, which no other shows" }),
  row(
    "headers",
    email({ headers: { "X-Order": "17" } }),
    at("personalizations.0.headers.X-Order", "17"),
    at("message.headers.X-Order", "17"),
    at("headers.x-order", "17"),
  ),
  row(
    "headers (to unsubscribe)",
    email({ headers: UNSUBSCRIBE }),
    places(
      ["personalizations.0.headers.List-Unsubscribe", UNSUBSCRIBE["List-Unsubscribe"]],
      ["personalizations.0.headers.List-Unsubscribe-Post", UNSUBSCRIBE["List-Unsubscribe-Post"]],
    ),
    places(
      ["message.headers.List-Unsubscribe", UNSUBSCRIBE["List-Unsubscribe"]],
      ["message.headers.List-Unsubscribe-Post", UNSUBSCRIBE["List-Unsubscribe-Post"]],
    ),
    places(
      ["headers.list-unsubscribe", UNSUBSCRIBE["List-Unsubscribe"]],
      ["headers.list-unsubscribe-post", UNSUBSCRIBE["List-Unsubscribe-Post"]],
    ),
  ),
  row(
    "unsubscribe (ONE_CLICK)",
    email({ unsubscribe: "one-click" }),
    places(...offered("personalizations.0.headers"), ["content.0.value", WITH_LINK]),
    places(...offered("message.headers"), ["message.text", WITH_LINK]),
    places(...offered("headers", (name) => name.toLowerCase()), ["text", WITH_LINK.trimEnd()]),
  ),
  row(
    "headers (importance)",
    email({ headers: { Importance: "high" } }),
    at("personalizations.0.headers.Importance", "high"),
    places(["message.headers.Importance", "high"], ["message.important", true]),
    at("headers.importance", "high"),
  ),
  row(
    "attachments (type with parameters)",
    email({ attachments: [{ ...FILE, contentType: "text/csv; charset=utf-8" }] }),
    at("attachments.0.type", "text/csv"),
    at("message.attachments.0.type", "text/csv; charset=utf-8"),
    at("attachments.0.type", "text/csv"),
  ),
  row(
    "attachments",
    email({ attachments: [FILE] }),
    at("attachments.0", { content: BASE64, filename: "list.csv", type: "text/csv", disposition: "attachment" }),
    at("message.attachments.0", { type: "text/csv", name: "list.csv", content: BASE64 }),
    places(
      ["attachments.0.filename", "list.csv"],
      ["attachments.0.type", "text/csv"],
      ["attachments.0.content", BASE64],
      ["attachments.0.disposition", "attachment"],
    ),
  ),
  row(
    "attachments (with content_id)",
    email({ html: SHOWS_PICTURE, attachments: [PICTURE] }),
    at("attachments.0", { content: BASE64, filename: "logo.png", type: "image/png", disposition: "inline", content_id: "logo" }),
    at("message.images.0", { type: "image/png", name: "logo", content: BASE64 }),
    places(["attachments.0.contentId", "logo"], ["attachments.0.type", "image/png"], ["attachments.0.disposition", "inline"]),
  ),
  row("preheader", email({ html: HTML, preheader: SHORT }), at("content.1.value", HIDDEN), at("message.html", HIDDEN), at("html", HIDDEN)),
  row(
    "overrides (of SendGrid)",
    email({ overrides: { sendgrid: { ip_pool_name: "receipts", tracking_settings: { open_tracking: { enable: true } } } } }),
    places(
      ["ip_pool_name", "receipts"],
      ["tracking_settings.open_tracking.enable", true],
      ["tracking_settings.click_tracking.enable", false],
    ),
    { not: "for SendGrid" },
    NONE,
  ),
  row(
    "overrides (of Mandrill)",
    email({ overrides: { mandrill: { ip_pool: "receipts", message: { important: true } } } }),
    { not: "for Mandrill" },
    places(["ip_pool", "receipts"], ["message.important", true], ["message.track_opens", false]),
    NONE,
  ),
  row(
    "tags",
    email({ tags: ["receipt", "dinner for two"] }),
    at("categories", ["receipt", "dinner for two"]),
    at("message.tags", ["receipt", "dinner for two"]),
    at("headers.x-carillon-tags", "receipt, dinner for two"),
  ),
  row(
    "calendar",
    email({ calendar: CALENDAR }),
    at("content.1", { type: TYPE, value: ICS }),
    at("message.attachments.0", { type: TYPE, name: "invite.ics", content: Buffer.from(ICS).toString("base64") }),
    places(["attachments.0.type", "text/calendar"], ["attachments.0.method", "REQUEST"]),
  ),
  row("unsubscribe", email({ unsubscribe: "one-click" }), OWN_LINK, OWN_LINK, OWN_LINK),
];

function places(...given: readonly (readonly [path: string, value: unknown])[]): Arrival {
  return given.map(([path, value]) => ({ path, value }));
}

export const EMAIL_SECTION: FieldSection<EmailProvider> = {
  title: "E-mail",
  intro: `SendGrid's and Mandrill's paths are in the JSON of their requests; of a mail by SMTP they are \`envelope\`, \`headers\`, and the parts as a mail program
reads them. Our Message-ID is \`<notification_id@domain of the sender>\`, the same on every copy and every attempt, at SendGrid and by SMTP; Mandrill, whose API documents
none, writes its own. Threads are made by \`headers\`: \`References\` and \`In-Reply-To\`, which may name an earlier notification by its Message-ID.

A mail whose \`priority\` was given as HIGH has \`Importance: high\` and \`X-Priority: 1\`, one of LOW \`Importance: low\` and \`X-Priority: 5\`, unless \`headers\` speak of a priority; Mandrill
is also told \`important\`. The priority of a class marks nothing. A content type's parameters arrive but for SendGrid, which takes only the method of \`text/calendar\`.

\`from\` must be one that the app may use (\`carillon app limits set APP --email-from\`, \`EMAIL_FROM_APPS\`; another is answered \`SENDER_NOT_ALLOWED\`), and \`EMAIL_FROM\` or in
\`EMAIL_FROM_ALLOWED\` of the account; a delivery with another ends as \`rejected\`. A recipient has no display name: \`To\` shows the address alone. Each address in \`cc\` and \`bcc\` is a delivery of its own, with
its own opt-outs, attempts and receipts, if the recipient has an e-mail address. SendGrid and Mandrill show nobody that they do not send to, so there each copy shows its
own address alone; by SMTP every copy shows the recipient's addresses and \`cc\`.

A mail that offers to unsubscribe ([unsubscribing](unsubscribing.md)) has a link of each recipient's own in \`List-Unsubscribe\`, in html and in text, and it takes the place of a
\`List-Unsubscribe\` in \`headers\`; a \`List-Id\` there stays.

A text is made from html where there is none. Opens and clicks are not tracked unless an override says so, and links stay what the caller wrote.

Subject, html, text and preheader have 512 KiB, attachments 256 KiB before base64, which makes a third more. Overrides (\`overrides.sendgrid\`, \`mandrill\`) are merged into
the request (RFC 7396): null removes a field. Refused are recipients, sender, headers, marks, suppression, templates and times. An app may override only what
\`carillon app limits set APP --overrides sendgrid,mandrill\` allows it.`,
  providers: [
    ["sendgrid", "SendGrid"],
    ["mandrill", "Mandrill"],
    ["smtp", "SMTP"],
  ],
  rows: EMAIL_ROWS,
};
