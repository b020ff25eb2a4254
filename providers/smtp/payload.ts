import MailComposer from "nodemailer/lib/mail-composer";
import type { SMTPEnvelopeDsn } from "nodemailer/lib/smtp-connection";
import type { Calendar, Mailbox } from "../../core/content/email-content.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import type { EmailSenders } from "../email-config.ts";
import { type MailFile, mailOf } from "../email-mail.ts";
import { type BounceKeys, returnPathOf } from "./return-path.ts";

export interface SmtpMail {
  envelope: Envelope;
  /** The message without dot-stuffing, which the connection adds. */
  message: Buffer;
  /** With angle brackets. */
  messageId: string;
  /** Whether only a server with SMTPUTF8 (RFC 6531) can take the recipient's address. */
  needsUtf8: boolean;
}

/** `dsn` (RFC 3461) is sent to servers that offer it. */
export interface Envelope {
  from: string;
  to: string;
  size: number;
  use8BitMime: boolean;
  dsn?: SMTPEnvelopeDsn;
}

/** How a mail's bounces come back. */
export interface BounceSettings extends BounceKeys {
  /** Whether its delivery is reported, too. */
  reportsSuccess: boolean;
}

/** Whether it is a mailbox without quoting (RFC 5321, section 4.1.2). Nothing that could end a command, a header or an address is allowed. */
const isMailbox = (address: string) => /^[^\s@<>()[\]\\,;:"\p{Cc}]{1,64}@[^\s@<>()[\]\\,;:"\p{Cc}]{1,253}$/u.test(address);

/** One mail to one address, or why there is none. @param bounces undefined: they go to the mail's sender */
export async function buildSmtpMail(
  delivery: OutboundDelivery,
  senders: EmailSenders,
  now: number,
  bounces?: BounceSettings,
): Promise<SmtpMail | string> {
  const mail = mailOf(delivery, senders);
  if (typeof mail === "string") return mail;
  if (!isMailbox(mail.to)) return "address-invalid";
  const composed = new MailComposer({
    // Whatever the headers name, it goes to this address alone.
    envelope: { from: mail.from.address, to: [mail.to] },
    ...{ from: nodemailerAddress(mail.from), replyTo: mail.replyTo.map(nodemailerAddress) },
    ...{ to: mail.shown.to.map((address) => ({ address, name: "" })), cc: mail.shown.cc.map(nodemailerAddress) },
    subject: mail.subject,
    ...(mail.text === "" ? {} : { text: mail.text }),
    ...(mail.html === "" ? {} : { html: mail.html }),
    alternatives: mail.calendar === undefined ? [] : [alternativeOf(mail.calendar)],
    attachments: [...mail.attachments.map(fileOf), ...mail.inline.map((file) => ({ ...fileOf(file), cid: file.contentId }))],
    messageId: mail.messageId,
    date: new Date(now),
    headers: {
      ...mail.headers,
      ...(mail.tags.length > 0 ? { "X-Carillon-Tags": mail.tags.join(", ") } : {}),
      ...{ "X-Carillon-Delivery": delivery.deliveryId, "X-Carillon-Attempt": delivery.attemptId },
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  // Domains come back in ASCII (RFC 5890); local parts stay what they are.
  const { from, to } = composed.getEnvelope();
  const recipient = to[0];
  if (typeof from !== "string" || to.length !== 1 || recipient === undefined) return "address-invalid";
  const returnPath = bounces && returnPathOf(delivery.attemptId, bounces, now);
  const sender = returnPath ?? from;
  const message = await composed.build();
  return {
    envelope: {
      ...{ from: sender, to: recipient, size: message.length, use8BitMime: message.some((byte) => byte > 0x7f) },
      ...(returnPath === undefined ? {} : { dsn: dsnOf(recipient, delivery.attemptId, bounces?.reportsSuccess === true) }),
    },
    message,
    messageId: mail.messageId,
    needsUtf8: /[^\p{ASCII}]/u.test(sender + recipient),
  };
}

/** The report holds the headers and not the body; an address that is not ASCII would have to be encoded in another way (RFC 6533). */
const dsnOf = (recipient: string, attemptId: string, reportsSuccess: boolean): SMTPEnvelopeDsn => ({
  ret: "HDRS",
  envid: attemptId,
  notify: ["FAILURE", "DELAY", ...(reportsSuccess ? (["SUCCESS"] as const) : [])],
  ...(/^\p{ASCII}*$/u.test(recipient) ? { orcpt: `rfc822;${recipient}` } : {}),
});

const nodemailerAddress = ({ address, name = "" }: Mailbox) => ({ address, name });

const alternativeOf = ({ method, ics }: Calendar) => ({ contentType: `text/calendar; charset=utf-8; method=${method}`, content: ics });

const fileOf = ({ filename, contentType, base64 }: MailFile) => ({ filename, contentType, content: base64, encoding: "base64" });
