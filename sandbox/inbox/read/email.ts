import type { LedgerEntry } from "../../kit/ledger.ts";
import { type Fields, fieldsOf, listOf, textOf } from "../../kit/read.ts";
import type { Message } from "../view.ts";

export type ReadEmail = Pick<Message, "from" | "cc" | "bcc" | "html" | "text" | "headers"> & {
  subject: string;
  attachments: ReadAttachment[];
};

export interface ReadAttachment {
  filename: string;
  type: string;
  inline: boolean;
  /** What html names as cid:…; empty: nothing. */
  contentId: string;
  /** Base64. */
  content: string;
}

const mailbox = (address: unknown, name: unknown) => (textOf(name) ? `${textOf(name)} <${textOf(address)}>` : textOf(address));
const texts = (value: unknown) => listOf(value).map(textOf);
const pairs = (fields: unknown) => Object.entries(fieldsOf(fields)).map(([name, value]) => ({ name, value: String(value) }));

/** The headers that the request says; a real provider adds Date, Message-ID and its signature. */
const headersOf = (mail: Omit<ReadEmail, "headers" | "attachments" | "html" | "text">, to: string[], more: ReadEmail["headers"]) =>
  [
    { name: "From", value: mail.from },
    { name: "To", value: to.join(", ") },
    { name: "Cc", value: mail.cc.join(", ") },
    { name: "Subject", value: mail.subject },
    ...more,
  ].filter(({ value }) => value !== "");

export function readSendgrid({ payload }: LedgerEntry): ReadEmail {
  const mail = fieldsOf(payload);
  const personal = fieldsOf(listOf(mail.personalizations)[0]);
  const people = (value: unknown) => listOf(value).map((one) => mailbox(fieldsOf(one).email, fieldsOf(one).name));
  const part = (type: string) => textOf(fieldsOf(listOf(mail.content).find((one) => fieldsOf(one).type === type)).value);
  const from = fieldsOf(mail.from);
  const replyTo = mail.reply_to_list === undefined ? [mail.reply_to].filter(Boolean) : listOf(mail.reply_to_list);
  const said = {
    from: mailbox(from.email, from.name),
    ...{ cc: people(personal.cc), bcc: people(personal.bcc), subject: textOf(personal.subject) || textOf(mail.subject) },
  };
  const more = [
    { name: "Reply-To", value: people(replyTo).join(", ") },
    ...pairs({ ...fieldsOf(mail.headers), ...fieldsOf(personal.headers) }),
  ];
  return {
    ...said,
    ...{ html: part("text/html"), text: part("text/plain") },
    headers: headersOf(said, people(personal.to), more),
    attachments: listOf(mail.attachments).map((one) => {
      const { filename, type, disposition, content_id, content } = fieldsOf(one);
      return attachment({ filename, type, inline: disposition === "inline", contentId: content_id, content });
    }),
  };
}

export function readMandrill({ payload }: LedgerEntry): ReadEmail {
  const mail = fieldsOf(fieldsOf(payload).message);
  const people = (kind: string) =>
    listOf(mail.to)
      .map(fieldsOf)
      .filter(({ type }) => (textOf(type) || "to") === kind)
      .map(({ email, name }) => mailbox(email, name));
  const said = {
    from: mailbox(mail.from_email, mail.from_name),
    ...{ cc: people("cc"), bcc: people("bcc"), subject: textOf(mail.subject) },
  };
  const files = (list: unknown, inline: boolean) =>
    listOf(list).map((one) => {
      const { name, type, content } = fieldsOf(one);
      return attachment({ filename: name, type, inline, contentId: inline ? name : "", content });
    });
  return {
    ...said,
    ...{ html: textOf(mail.html), text: textOf(mail.text) },
    headers: headersOf(said, people("to"), pairs(mail.headers)),
    attachments: [...files(mail.attachments, false), ...files(mail.images, true)],
  };
}

/** `mail` is what a mail program reads of the message; absent where it breaks a rule. */
export function readSmtp({ payload }: LedgerEntry): ReadEmail {
  const given = fieldsOf(payload);
  const mail = fieldsOf(given.mail);
  return {
    from: texts(mail.from).join(", ") || textOf(given.mailFrom),
    ...{ cc: texts(mail.cc), bcc: texts(mail.bcc), subject: textOf(mail.subject), html: textOf(mail.html), text: textOf(mail.text) },
    headers: listOf(mail.headers)
      .map(fieldsOf)
      .map(({ name, value }) => ({ name: textOf(name), value: textOf(value) })),
    attachments: listOf(mail.attachments).map((one) => {
      const { filename, type, disposition, contentId, content } = fieldsOf(one);
      return attachment({ filename, type, inline: disposition === "inline", contentId, content });
    }),
  };
}

const attachment = ({ filename, type, inline, contentId, content }: Fields): ReadAttachment => ({
  filename: textOf(filename),
  type: textOf(type) || "application/octet-stream",
  inline: inline === true,
  contentId: textOf(contentId),
  content: textOf(content),
});
