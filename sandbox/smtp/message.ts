import PostalMime, { type Address, type Attachment, addressParser, type Email } from "postal-mime";

/** A message as a mail program reads it. */
export interface ParsedMail {
  /** In their order, repeated ones repeated; unfolded, not decoded. */
  headers: { name: string; value: string }[];
  from: string[];
  replyTo: string[];
  to: string[];
  cc: string[];
  bcc: string[];
  subject: string;
  /** ISO 8601. */
  date: string;
  messageId: string;
  inReplyTo: string;
  references: string;
  text: string;
  html: string;
  attachments: ParsedAttachment[];
}

export interface ParsedAttachment {
  filename: string;
  type: string;
  /** "attachment", "inline" or "". */
  disposition: string;
  /** Without angle brackets. */
  contentId: string;
  /** Of a calendar: REQUEST, CANCEL. */
  method: string;
  /** Base64. */
  content: string;
}

/** RFC 5322, section 2.1.1: bytes of a line without its end. */
const LINE_BYTES_MAX = 998;
/** RFC 5322, section 3.6, and RFC 2045: what must occur, and what may occur once. */
const REQUIRED_HEADERS = ["date", "from"];
const SINGLE_HEADERS = [
  ...REQUIRED_HEADERS,
  ...["sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references", "subject"],
  ...["mime-version", "content-type", "content-transfer-encoding"],
];
const MESSAGE_ID = /^<[^\s<>@]+@[^\s<>@]+>$/;

/** What the client asked for at MAIL. */
export interface Extensions {
  /** SMTPUTF8: headers may be UTF-8 (RFC 6532). */
  utf8: boolean;
  /** BODY=8BITMIME: the body may have bytes above 127 (RFC 6152). */
  eightBit: boolean;
}

/** Reads a message, or says why it is none. */
export async function readMail(message: Buffer, allowed: Extensions): Promise<ParsedMail | { mistake: string }> {
  const mistake = bytesMistake(message, allowed);
  if (mistake !== undefined) return { mistake };
  let email: Email;
  try {
    email = await PostalMime.parse(message, { attachmentEncoding: "base64" });
  } catch {
    return { mistake: "MIME structure cannot be read" };
  }
  const wrong = headerMistake(email);
  return wrong === undefined ? parsed(email) : { mistake: wrong };
}

function bytesMistake(message: Buffer, { utf8, eightBit }: Extensions): string | undefined {
  const text = message.toString("latin1");
  if (/\r(?!\n)|(?<!\r)\n/.test(text)) return "a line does not end with CRLF";
  const lines = text.split("\r\n");
  if (lines.some((line) => line.length > LINE_BYTES_MAX)) return `a line is longer than ${LINE_BYTES_MAX} bytes`;
  const end = lines.indexOf("");
  const head = lines.slice(0, end < 0 ? lines.length : end);
  if (head.some((line) => !/^([!-9;-~]+:|[ \t])/.test(line))) return "a header line has no name";
  if (!utf8 && head.some((line) => /[^\t -~]/.test(line))) return "a header is not ASCII";
  if (!eightBit && lines.slice(head.length).some((line) => /[\x80-\xff]/.test(line)))
    return "the body has 8-bit bytes without BODY=8BITMIME";
  return undefined;
}

function headerMistake({ headers, messageId, date, references, inReplyTo, sender }: Email): string | undefined {
  for (const name of SINGLE_HEADERS) {
    const count = headers.filter(({ key }) => key === name).length;
    if (count === 0 && REQUIRED_HEADERS.includes(name)) return `header ${name} is missing`;
    if (count > 1) return `header ${name} occurs ${count} times`;
  }
  const authors = authorsIn(headers);
  if (authors.length === 0) return "header from has no address";
  if (authors.length > 1 && sender === undefined) return "header sender is missing";
  if (Number.isNaN(Date.parse(date ?? ""))) return "header date is no date";
  if (messageId !== undefined && !MESSAGE_ID.test(messageId)) return "header message-id is not <left@right>";
  for (const [name, ids] of Object.entries({ references, "in-reply-to": inReplyTo }))
    if (
      ids !== undefined &&
      !ids
        .trim()
        .split(/\s+/)
        .every((id) => MESSAGE_ID.test(id))
    )
      return `header ${name} has other words than ids`;
  const isMime = headers.some(({ key }) => key === "mime-version");
  if (!isMime && headers.some(({ key }) => key === "content-type")) return "header mime-version is missing";
  return undefined;
}

/** Several people may have written a mail; the parser shows the first. */
const authorsIn = (headers: Email["headers"]) => addresses(addressParser(headers.find(({ key }) => key === "from")?.value ?? ""));

const parsed = (email: Email): ParsedMail => ({
  headers: email.headers.map(({ originalKey, value }) => ({ name: originalKey, value })),
  from: authorsIn(email.headers),
  replyTo: addresses(email.replyTo),
  to: addresses(email.to),
  cc: addresses(email.cc),
  bcc: addresses(email.bcc),
  subject: email.subject ?? "",
  date: email.date ?? "",
  messageId: email.messageId ?? "",
  inReplyTo: email.inReplyTo ?? "",
  references: email.references ?? "",
  text: email.text ?? "",
  html: email.html ?? "",
  attachments: email.attachments.map(attachment),
});

const attachment = ({ filename, mimeType, disposition, contentId, method, content }: Attachment): ParsedAttachment => ({
  filename: filename ?? "",
  type: mimeType,
  disposition: disposition ?? "",
  contentId: (contentId ?? "").replace(/^<|>$/g, ""),
  method: method ?? "",
  content: typeof content === "string" ? content : Buffer.from(content as Uint8Array).toString("base64"),
});

/** As "Name <address>", or the address alone; groups by their members. */
function addresses(given: readonly Address[] = []): string[] {
  return given.flatMap((one) => (one.group ?? [one]).map(({ name, address }) => (name === "" ? address : `${name} <${address}>`)));
}
