import { type ContentCodec, fieldValues, withoutEmpty } from "./codec.ts";
import {
  type Attachment,
  type Calendar,
  type EmailContent,
  type EmailOverrides,
  type Mailbox,
  RICH_EMAIL_FIELDS,
  UNSUBSCRIBE_MODES,
  type UnsubscribeMode,
} from "./email-content.ts";
import { emailFaults } from "./email-faults.ts";
import { copyJson, type JsonObject } from "./json.ts";

interface MailboxWire {
  address: string;
  name: string;
}

interface AttachmentWire {
  filename: string;
  contentType: string;
  source: { $case: "content"; value: Buffer } | { $case: "blobId"; value: string } | undefined;
  contentId: string;
}

/** carillon.v1.EmailContent. */
export interface EmailWire {
  subject: string;
  html: string;
  text: string;
  from: MailboxWire | undefined;
  replyTo: MailboxWire[];
  cc: MailboxWire[];
  bcc: MailboxWire[];
  headers: { [key: string]: string };
  attachments: AttachmentWire[];
  preheader: string;
  overrides: { sendgrid: JsonObject | undefined; mandrill: JsonObject | undefined } | undefined;
  tags: string[];
  calendar: Calendar | undefined;
  unsubscribe: UnsubscribeNumber;
}

type UnsubscribeNumber = -1 | 0 | 1 | 2;

export const emailCodec: ContentCodec<EmailContent, EmailWire> = {
  fromProto: ({ subject, html, text, from, overrides, calendar, ...wire }) => ({
    ...{ subject, html, text },
    ...withoutEmpty({
      ...{ from: from && mailboxOf(from), replyTo: wire.replyTo.map(mailboxOf) },
      ...{ cc: wire.cc.map(mailboxOf), bcc: wire.bcc.map(mailboxOf) },
      ...{ headers: { ...wire.headers }, attachments: wire.attachments.map(attachmentOf), preheader: wire.preheader },
      ...{ overrides: overrides && overridesOf(overrides), tags: [...wire.tags] },
      calendar: calendar && { method: calendar.method, ics: calendar.ics },
      unsubscribe: UNSUBSCRIBE_MODES[wire.unsubscribe - 1],
    }),
  }),
  toProto: ({ subject, html, text, from, overrides, ...rich }) => ({
    ...{ subject, html, text },
    ...{ from: from && mailboxToProto(from), replyTo: (rich.replyTo ?? []).map(mailboxToProto) },
    ...{ cc: (rich.cc ?? []).map(mailboxToProto), bcc: (rich.bcc ?? []).map(mailboxToProto) },
    ...{ headers: rich.headers ?? {}, attachments: (rich.attachments ?? []).map(attachmentToProto), preheader: rich.preheader ?? "" },
    overrides: overrides && { sendgrid: overrides.sendgrid, mandrill: overrides.mandrill },
    ...{ tags: rich.tags ?? [], calendar: rich.calendar, unsubscribe: modeNumber(rich.unsubscribe) },
  }),
  namedValues: (content) => [
    ["email.subject", content.subject],
    ["email.html", content.html],
    ["email.text", content.text],
    ...fieldValues("email", content, RICH_EMAIL_FIELDS),
  ],
  faults: emailFaults,
};

const modeNumber = (mode: UnsubscribeMode | undefined): UnsubscribeNumber =>
  mode === undefined ? 0 : ((UNSUBSCRIBE_MODES.indexOf(mode) + 1) as UnsubscribeNumber);

const mailboxOf = ({ address, name }: MailboxWire): Mailbox => ({ address, ...withoutEmpty({ name }) });
const mailboxToProto = ({ address, name = "" }: Mailbox): MailboxWire => ({ address, name });

const attachmentOf = ({ filename, contentType, source, contentId }: AttachmentWire): Attachment => ({
  ...{ filename, contentType },
  ...(source?.$case === "blobId" ? { blobId: source.value } : { base64: source?.value.toString("base64") ?? "" }),
  ...withoutEmpty({ contentId }),
});
const attachmentToProto = ({ filename, contentType, base64 = "", blobId, contentId = "" }: Attachment): AttachmentWire => ({
  ...{ filename, contentType, contentId },
  source: blobId === undefined ? { $case: "content", value: Buffer.from(base64, "base64") } : { $case: "blobId", value: blobId },
});

const overridesOf = ({ sendgrid, mandrill }: NonNullable<EmailWire["overrides"]>): EmailOverrides =>
  withoutEmpty({ sendgrid: sendgrid && copyJson(sendgrid), mandrill: mandrill && copyJson(mandrill) });
