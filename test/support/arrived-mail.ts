import PostalMime, { type Address, addressParser } from "postal-mime";

/** A file: name or content id, type, and content in base64. */
export type ArrivedFile = readonly [name: string, type: string, base64: string];

/** What a provider was given, in one form for all: mailboxes as "Name <address>". Absent where there is nothing. */
export interface ArrivedMail {
  from: string;
  to: string[];
  cc: string[];
  replyTo: string[];
  subject: string;
  text: string;
  html: string;
  /** Those that the content named. */
  headers: Record<string, string>;
  files: ArrivedFile[];
  inline: ArrivedFile[];
  tags: string[];
  /** Its method and text. */
  calendar: readonly [method: string, ics: string] | undefined;
}

type Json = Record<string, unknown>;
const fields = (value: unknown) => (value ?? {}) as Json;
const list = (value: unknown) => (value ?? []) as Json[];
const string = (value: unknown) => (typeof value === "string" ? value : "");

const mailbox = (address: unknown, name: unknown) => (string(name) === "" ? string(address) : `${string(name)} <${string(address)}>`);
const person = (value: unknown) => mailbox(fields(value).email, fields(value).name);
const mailboxes = (parsed: readonly Address[]) => parsed.map(({ address, name }) => mailbox(address, name));
const withoutOurs = (headers: Json): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !/^(message-id|reply-to|x-carillon-.*)$/i.test(name))
      .map(([name, value]) => [name.toLowerCase(), string(value)]),
  );

export function fromSendgrid(payload: unknown): ArrivedMail {
  const mail = fields(payload);
  const [personalization] = list(mail.personalizations);
  const content = (type: string) => list(mail.content).find((part) => string(part.type).startsWith(type));
  const files = (disposition: string, name: string): ArrivedFile[] =>
    list(mail.attachments).flatMap((file) =>
      file.disposition === disposition ? [[string(file[name]), string(file.type), string(file.content)]] : [],
    );
  const calendar = content("text/calendar");
  return {
    from: person(mail.from),
    to: list(personalization?.to).map(person),
    cc: list(personalization?.cc).map(person),
    replyTo: (mail.reply_to === undefined ? list(mail.reply_to_list) : [fields(mail.reply_to)]).map(person),
    subject: string(mail.subject),
    text: string(content("text/plain")?.value),
    html: string(content("text/html")?.value),
    headers: withoutOurs(fields(personalization?.headers)),
    files: files("attachment", "filename"),
    inline: files("inline", "content_id"),
    tags: (mail.categories ?? []) as string[],
    calendar: calendar && [string(calendar.type).replace(/^.*method=/, ""), string(calendar.value)],
  };
}

export function fromMandrill(payload: unknown): ArrivedMail {
  const message = fields(fields(payload).message);
  const headers = fields(message.headers);
  const files = (name: string): ArrivedFile[] =>
    list(message[name]).map((file) => [string(file.name), string(file.type), string(file.content)]);
  const isCalendar = ([, type]: ArrivedFile) => type.startsWith("text/calendar");
  const calendar = files("attachments").find(isCalendar);
  return {
    from: mailbox(message.from_email, message.from_name),
    to: list(message.to).map(person),
    cc: [],
    replyTo: mailboxes(addressParser(string(headers["Reply-To"]))),
    subject: string(message.subject),
    text: string(message.text),
    html: string(message.html),
    headers: withoutOurs(headers),
    files: files("attachments").filter((file) => !isCalendar(file)),
    inline: files("images"),
    tags: (message.tags ?? []) as string[],
    calendar: calendar && [calendar[1].replace(/^.*method=/, ""), Buffer.from(calendar[2], "base64").toString()],
  };
}

/** Headers that a composer writes. */
const COMPOSED = /^(from|to|cc|subject|date|mime-version|content-.*)$/;

export async function fromSmtp(payload: unknown): Promise<ArrivedMail> {
  const mail = await PostalMime.parse(string(fields(payload).raw), { attachmentEncoding: "base64" });
  const all = Object.fromEntries(mail.headers.map(({ key, value }) => [key, value.replace(/\s+/g, " ")]));
  const headers = Object.fromEntries(Object.entries(all).filter(([name]) => !COMPOSED.test(name)));
  const file = ({ filename, mimeType, content }: (typeof mail.attachments)[number]): ArrivedFile => [
    filename ?? "",
    mimeType,
    string(content),
  ];
  const calendar = mail.attachments.find(({ mimeType }) => mimeType === "text/calendar");
  const others = mail.attachments.filter((one) => one !== calendar);
  return {
    from: mailboxes(mail.from === undefined ? [] : [mail.from])[0] ?? "",
    to: mailboxes(mail.to ?? []),
    cc: mailboxes(mail.cc ?? []),
    replyTo: mailboxes(mail.replyTo ?? []),
    subject: mail.subject ?? "",
    text: (mail.text ?? "").replace(/\n$/, ""),
    html: (mail.html ?? "").replace(/\n$/, ""),
    headers: withoutOurs(headers),
    files: others.filter(({ contentId }) => contentId === undefined).map(file),
    inline: others.flatMap((one) =>
      one.contentId === undefined ? [] : [[one.contentId.slice(1, -1), one.mimeType, string(one.content)] as const],
    ),
    tags: all["x-carillon-tags"]?.split(", ") ?? [],
    // The parser takes a line break of text for "\n".
    calendar: calendar && [string(calendar.method), Buffer.from(string(calendar.content), "base64").toString().replace(/\n/g, "\r\n")],
  };
}
