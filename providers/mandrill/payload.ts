import { isMarkedHigh } from "../../core/content/email-headers.ts";
import { EMAIL_PROTECTED } from "../../core/content/email-overrides.ts";
import type { JsonObject } from "../../core/content/json.ts";
import { withOverride } from "../../core/content/overrides.ts";
import type { OutboundDelivery, Route } from "../../core/ports/provider.ts";
import type { EmailSenders } from "../email-config.ts";
import { type Mail, mailboxText, mailOf } from "../email-mail.ts";

interface File {
  type: string;
  name: string;
  /** Base64. */
  content: string;
}

/** The part of messages/send we use. */
export interface MandrillMessage {
  from_email: string;
  from_name?: string;
  to: { email: string; type: "to" }[];
  subject: string;
  html?: string;
  text?: string;
  headers?: Record<string, string>;
  attachments?: File[];
  /** Their names are what html refers to. */
  images?: File[];
  tags?: string[];
  important?: true;
  /** Comes back in every webhook. */
  metadata: { carillon_delivery: string; carillon_attempt: string };
  track_opens: false;
  track_clicks: false;
  auto_text: false;
  auto_html: false;
  inline_css: false;
  /** Nothing in the content is a merge tag. */
  merge: false;
  preserve_recipients: false;
  /** Whether Mandrill's own log shows the content. */
  view_content_link: false;
}

/**
 * Mandrill takes 25 MB as JSON: this many characters of base64, which are 18 MB of files, leave a million for texts and all else.
 */
const FILES_CHARACTERS_MAX = 24_000_000;

/** Whether Mandrill can send the mail; other providers take larger ones. */
export function mandrillRoute({ content: { email } }: Pick<OutboundDelivery, "content">): Route {
  const characters = (email?.attachments ?? []).reduce((sum, { base64 = "" }) => sum + base64.length, 0);
  return characters <= FILES_CHARACTERS_MAX ? { kind: "open" } : { kind: "barred", reason: "attachments-too-large" };
}

/** The body of messages/send without the key, or the reason of "rejected" where there is none. Not `async`, so that the answer holds this recipient's own result. */
export function buildMandrillMail(delivery: OutboundDelivery, senders: EmailSenders): JsonObject | string {
  const route = mandrillRoute(delivery);
  if (route.kind === "barred") return route.reason;
  const mail = mailOf(delivery, senders);
  if (typeof mail === "string") return mail;
  const body = { async: false, message: messageOf(mail, delivery) };
  return withOverride(body, delivery.content.email?.overrides?.mandrill, EMAIL_PROTECTED.mandrill);
}

function messageOf(mail: Mail, { deliveryId, attemptId }: OutboundDelivery): MandrillMessage {
  const headers = headersOf(mail);
  const attachments = [...mail.attachments.map(fileOf), ...invitationOf(mail)];
  return {
    from_email: mail.from.address,
    ...(mail.from.name === undefined ? {} : { from_name: mail.from.name }),
    to: [{ email: mail.to, type: "to" }],
    subject: mail.subject,
    ...(mail.html === "" ? {} : { html: mail.html }),
    ...(mail.text === "" ? {} : { text: mail.text }),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    ...(attachments.length > 0 ? { attachments } : {}),
    ...(mail.inline.length > 0 ? { images: mail.inline.map((file) => ({ ...fileOf(file), name: file.contentId })) } : {}),
    ...(mail.tags.length > 0 ? { tags: [...mail.tags] } : {}),
    ...(isMarkedHigh(mail.headers) ? { important: true } : {}),
    metadata: { carillon_delivery: deliveryId, carillon_attempt: attemptId },
    track_opens: false,
    track_clicks: false,
    auto_text: false,
    auto_html: false,
    inline_css: false,
    merge: false,
    preserve_recipients: false,
    view_content_link: false,
  };
}

/** Reply-To has no field of its own. */
const headersOf = ({ headers, replyTo }: Mail): Record<string, string> => ({
  ...headers,
  ...(replyTo.length > 0 ? { "Reply-To": replyTo.map(mailboxText).join(", ") } : {}),
});

const fileOf = ({ contentType, filename, base64 }: Mail["attachments"][number]): File => ({
  ...{ type: contentType, name: filename, content: base64 },
});

/** Mandrill has no third alternative; mail programs also read an invitation from an attachment of this type. */
const invitationOf = ({ calendar }: Mail): File[] =>
  calendar === undefined
    ? []
    : [{ type: `text/calendar; method=${calendar.method}`, name: "invite.ics", content: Buffer.from(calendar.ics).toString("base64") }];
