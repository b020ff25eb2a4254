import type { Attachment, Calendar, EmailContent, Mailbox } from "../core/content/email-content.ts";
import { withOneClick } from "../core/content/email-headers.ts";
import { listIdOf } from "../core/content/email-unsubscribe.ts";
import { canonicalAddress } from "../core/delivery/email-address.ts";
import type { OutboundDelivery } from "../core/ports/provider.ts";
import { type EmailSenders, FROM_NOT_ALLOWED, senderOf } from "./email-config.ts";
import { textOfHtml, withPreheader } from "./email-html.ts";
import { type Bodies, withUnsubscribeLink } from "./email-link.ts";

/** An attachment whose file has been read, wherever it was kept. */
export type MailFile = Attachment & { base64: string };

/** One mail to one address, as every e-mail provider is given it. Domains are in ASCII; "" and empty lists where there is nothing. */
export interface Mail {
  from: Mailbox;
  /** The one address that it is sent to. */
  to: string;
  /** What its headers show, where the provider can show others than the one that it sends to. */
  shown: { to: string[]; cc: Mailbox[] };
  replyTo: Mailbox[];
  /**
   * With angle brackets; the same for all copies and attempts of a notification, so that mail programs show one mail, and answers to any copy, as one
   * thread.
   */
  messageId: string;
  subject: string;
  /** With the preheader, and with the link to unsubscribe where the mail has one; so has the text. */
  html: string;
  /** Made from html where the content has none. */
  text: string;
  headers: Readonly<Record<string, string>>;
  /** Files to save, and those that html shows. */
  attachments: MailFile[];
  inline: (MailFile & { contentId: string })[];
  tags: readonly string[];
  calendar: Calendar | undefined;
}

/** The mail of a delivery, or the reason of "rejected" where there is none. */
export function mailOf(delivery: OutboundDelivery, senders: EmailSenders): Mail | string {
  const { email } = delivery.content;
  if (delivery.endpoint.channel !== "email" || email === undefined) return "content-missing";
  const from = senderOf(senders, email.from);
  if (from === undefined) return FROM_NOT_ALLOWED;
  const attachments = (email.attachments ?? []).flatMap(({ base64, ...file }) => (base64 === undefined ? [] : [{ ...file, base64 }]));
  // Its dispatcher reads stored files before it calls a provider.
  if (attachments.length !== (email.attachments ?? []).length) return "content-missing";
  return {
    ...{ from, to: delivery.endpoint.address },
    ...{ shown: { to: [...(delivery.shownTo ?? [delivery.endpoint.address])], cc: inAscii(email.cc) }, replyTo: inAscii(email.replyTo) },
    messageId: `<${notificationOf(delivery)}@${domainOf(from)}>`,
    ...{ subject: email.subject, ...withUnsubscribeLink(bodiesOf(email), email, delivery.unsubscribeUrl) },
    ...{ headers: headersOf(delivery, email, from), tags: email.tags ?? [], calendar: email.calendar },
    attachments: attachments.filter(({ contentId }) => contentId === undefined),
    inline: attachments.flatMap((file) => (file.contentId === undefined ? [] : [{ ...file, contentId: file.contentId }])),
  };
}

function headersOf({ unsubscribeUrl: url, app, category }: OutboundDelivery, { headers = {} }: EmailContent, from: Mailbox) {
  return url === undefined ? headers : withOneClick(headers, { url, listId: listIdOf(app, category, domainOf(from)) });
}

const domainOf = ({ address }: Mailbox): string => address.slice(address.lastIndexOf("@") + 1);

/** A delivery's id is its notification's with a number behind it. */
const notificationOf = ({ deliveryId }: OutboundDelivery): string => deliveryId.replace(/-\d+$/, "");

const inAscii = (mailboxes: readonly Mailbox[] = []): Mailbox[] =>
  mailboxes.map((mailbox) => ({ ...mailbox, address: canonicalAddress(mailbox.address) }));

/** The bodies of contents in use: a newsletter's tasks share a content, so its text is made once. */
const bodies = new WeakMap<EmailContent, Bodies>();

function bodiesOf(email: EmailContent): Bodies {
  const known = bodies.get(email);
  if (known !== undefined) return known;
  const made = { html: withPreheader(email.html, email.preheader), text: email.text === "" ? textOfHtml(email.html) : email.text };
  bodies.set(email, made);
  return made;
}

/** A mailbox in a header (RFC 5322, section 3.4): its name in quotes, or in encoded words (RFC 2047) where it is not ASCII. */
export const mailboxText = ({ address, name = "" }: Mailbox): string => (name === "" ? address : `${nameText(name)} <${address}>`);

const nameText = (name: string) => (/^[ -~]*$/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : encodedWords(name));

/** Bytes of text in one encoded word: 60 characters of base64 and 12 around them stay below the 75 that RFC 2047, section 2, allows. */
const WORD_BYTES_MAX = 45;

function encodedWords(text: string): string {
  const words: string[] = [""];
  for (const character of text) {
    const longer = words.at(-1)! + character;
    if (Buffer.byteLength(longer) <= WORD_BYTES_MAX) words[words.length - 1] = longer;
    else words.push(character);
  }
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString("base64")}?=`).join(" ");
}
