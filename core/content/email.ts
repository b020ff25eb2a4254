import { type ContentCodec, type ContentFault, showsSomething } from "./codec.ts";

/** At least one of html and text is not empty. */
export interface EmailContent {
  subject: string;
  html: string;
  text: string;
}

/** carillon.v1.EmailContent. */
export interface EmailWire {
  subject: string;
  html: string;
  text: string;
}

/**
 * Subject, html and text together, in bytes. E-mail providers take 25 MB and more, but a gateway holds up to 500 contents of one
 * insert in memory, and a dispatcher one for each task under way. Gmail cuts what it shows at 102 KB.
 */
export const EMAIL_BYTES_MAX = 524_288;

/** Bytes of the content in UTF-8, before a provider's own encoding (at most six times as much in JSON). */
export const emailBytes = (content: EmailContent): number =>
  Buffer.byteLength(content.subject) + Buffer.byteLength(content.html) + Buffer.byteLength(content.text);

export const emailCodec: ContentCodec<EmailContent, EmailWire> = {
  fromProto: ({ subject, html, text }) => ({ subject, html, text }),
  toProto: ({ subject, html, text }) => ({ subject, html, text }),
  namedValues: ({ subject, html, text }) => [
    ["email.subject", subject],
    ["email.html", html],
    ["email.text", text],
  ],
  faults(content): ContentFault[] {
    const bytes = emailBytes(content);
    const message = `has ${bytes} bytes; at most ${EMAIL_BYTES_MAX} are sent`;
    return [...blankFaults(content), ...(bytes <= EMAIL_BYTES_MAX ? [] : [{ field: "content.email", rule: "email.bytes", message }])];
  },
};

/** A mail program shows html where there is any, so that a blank one would hide the text. */
function blankFaults(content: EmailContent): ContentFault[] {
  const isBlank = (text: string) => text !== "" && !showsSomething(text);
  const blank = (["subject", "html", "text"] as const).filter((part) => isBlank(content[part]));
  return blank.map((part) => ({ field: `content.email.${part}`, rule: "email.blank", message: "has nothing to see" }));
}
