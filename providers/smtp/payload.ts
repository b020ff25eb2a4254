import MailComposer from "nodemailer/lib/mail-composer";
import type { OutboundDelivery } from "../../core/ports/provider.ts";

export interface SmtpMail {
  envelope: { from: string; to: string; size: number; use8BitMime: boolean };
  /** The message without dot-stuffing, which the connection adds. */
  message: Buffer;
  /** With angle brackets. */
  messageId: string;
  /** Whether only a server with SMTPUTF8 (RFC 6531) can take the recipient's address. */
  needsUtf8: boolean;
}

/** Mailboxes without quoting (RFC 5321, section 4.1.2). Anything that could end a command, a header or an address is outside. */
const isMailbox = (address: string) => /^[^\s@<>()[\]\\,;:"\p{Cc}]{1,64}@[^\s@<>()[\]\\,;:"\p{Cc}]{1,253}$/u.test(address);

/** The same for every repetition of an attempt, so that mail programs and archives recognise one. @param domain of the sender's address */
export const messageIdOf = (attemptId: string, domain: string) => `<${attemptId.replace("/", ".")}@${domain}>`;

/** One mail to one address, or why there is none. */
export async function buildSmtpMail(
  delivery: OutboundDelivery,
  from: { address: string; name: string },
  now: number,
): Promise<SmtpMail | "content-missing" | "address-invalid"> {
  const { email } = delivery.content;
  if (delivery.endpoint.channel !== "email" || email === undefined) return "content-missing";
  const { address } = delivery.endpoint;
  if (!isMailbox(address)) return "address-invalid";
  const messageId = messageIdOf(delivery.attemptId, from.address.slice(from.address.lastIndexOf("@") + 1));
  const mail = new MailComposer({
    from,
    to: { address, name: "" },
    subject: email.subject,
    ...(email.text === "" ? {} : { text: email.text }),
    ...(email.html === "" ? {} : { html: email.html }),
    messageId,
    date: new Date(now),
    headers: { "X-Carillon-Delivery": delivery.deliveryId, "X-Carillon-Attempt": delivery.attemptId },
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  // Domains come back in ASCII (RFC 5890); local parts stay what they are.
  const { from: sender, to } = mail.getEnvelope();
  const recipient = to[0];
  if (typeof sender !== "string" || to.length !== 1 || recipient === undefined) return "address-invalid";
  const message = await mail.build();
  return {
    envelope: { from: sender, to: recipient, size: message.length, use8BitMime: message.some((byte) => byte > 0x7f) },
    message,
    messageId,
    needsUtf8: /[^\p{ASCII}]/u.test(sender + recipient),
  };
}
