import { type ProviderName, rulesFor, type WarningRule } from "./warning-rule.ts";

/** Bytes of html that Gmail shows; the rest is behind a link (EMAIL_BYTES_MAX says why more is accepted). */
const GMAIL_SHOWN_BYTES_MAX = 102 * 1_024;

const ALL: readonly ProviderName[] = ["sendgrid", "mandrill", "smtp"];
const BY_API: readonly ProviderName[] = ["sendgrid", "mandrill"];

const rule = rulesFor("email");

export const emailWarnings: readonly WarningRule[] = [
  rule("gmail-cuts", "html", ALL, ({ html }) => {
    const bytes = Buffer.byteLength(html);
    return bytes > GMAIL_SHOWN_BYTES_MAX && `Gmail cuts a mail at 102 KB; this html has ${Math.ceil(bytes / 1_024)} KB`;
  }),
  rule("from-allowed", "from", ALL, ({ from }) => from && "is sent only where it is the account's EMAIL_FROM or in its EMAIL_FROM_ALLOWED"),
  rule(
    "copies-apart",
    "cc",
    BY_API,
    ({ cc }) =>
      cc && "each copy is a mail of its own, in which this provider shows its own recipient alone; SMTP shows the recipients and cc",
  ),
  rule(
    "calendar-attached",
    "calendar",
    ["mandrill"],
    ({ calendar }) => calendar && "Mandrill sends it as the file invite.ics: it has no third form of a text",
  ),
  rule("inline-unused", "attachments", ALL, ({ attachments = [], html }) => {
    const unused = attachments.filter(({ contentId }) => contentId !== undefined && !html.includes(`cid:${contentId}`)).length;
    return (
      unused > 0 && `html refers to ${unused} of the inline files nowhere (cid:<content_id>): mail programs list such files or hide them`
    );
  }),
  rule("tags-as-header", "tags", ["smtp"], ({ tags }) => tags && "SMTP has no tags: they are in the header X-Carillon-Tags"),
  rule("not-sent", "overrides.sendgrid", ["mandrill", "smtp"], ({ overrides }) => overrides?.sendgrid && "is not sent: it is for SendGrid"),
  rule("not-sent", "overrides.mandrill", ["sendgrid", "smtp"], ({ overrides }) => overrides?.mandrill && "is not sent: it is for Mandrill"),
];
