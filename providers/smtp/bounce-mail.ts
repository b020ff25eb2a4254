import PostalMime, { type Email } from "postal-mime";
import { parseDeliveryStatus, type RecipientStatus } from "./delivery-status.ts";

/** What a mail to a return path says of the mail that was sent. */
export type BounceMail =
  /** A delivery status notification: RFC 3464. */
  | { kind: "report"; recipients: RecipientStatus[] }
  /** A bounce in prose. */
  | { kind: "text" }
  /** It tells nothing: an automatic reply, a read receipt, a person's answer. */
  | { kind: "other"; why: "auto-reply" | "delay" | "unknown" };

/** Reports have three parts, of which the last may hold a mail of ours; deeper ones are no report. */
const NESTING_MAX = 16;
/** Bytes of headers, of the mail and its parts: several times those of Exchange, which are the longest. Parsing takes time by their square. */
const HEADER_BYTES_MAX = 49_152;
/** Lines that begin as a boundary does. A report has four, with pictures in it eight. Each may be a part, and parsing takes time by their square. */
const BOUNDARY_LINES_MAX = 200;
/** Lines of a mail: 256 KiB of ordinary lines have 4,000. The parser takes 10 us for each. */
const LINES_MAX = 16_384;
/** Longer reports are cut: a recipient takes some hundred bytes. */
const STATUS_BYTES_MAX = 65_536;
/** RFC 3464, and RFC 6533 for addresses that are not ASCII. */
const STATUS_TYPES = ["message/delivery-status", "message/global-delivery-status"];
/** RFC 8098 and RFC 5965: what the recipient did with the mail. */
const OTHER_REPORTS = ["message/disposition-notification", "message/global-disposition-notification", "message/feedback-report"];

/**
 * Reads a mail that came to a return path. Never rejects. What is no report is a bounce only where a mail system says so: an answering machine may write to a
 * return path too (RFC 3834, section 4), and that mail was delivered.
 * @param sender the envelope's; empty: the null sender, which bounces have (RFC 5321, section 4.5.5)
 */
export async function readBounceMail(message: Uint8Array, sender: string): Promise<BounceMail> {
  let email: Email;
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (occurs(bytes, "\n", LINES_MAX) || occurs(bytes, "\n--", BOUNDARY_LINES_MAX)) return { kind: "other", why: "unknown" };
  try {
    email = await PostalMime.parse(message, {
      ...{ attachmentEncoding: "arraybuffer", rfc822Attachments: true },
      ...{ maxNestingDepth: NESTING_MAX, maxHeadersSize: HEADER_BYTES_MAX, maxRfc822NestingDepth: 0 },
    });
  } catch {
    return { kind: "other", why: "unknown" };
  }
  const status = email.attachments.find(({ mimeType }) => STATUS_TYPES.includes(mimeType.toLowerCase()));
  const recipients = status === undefined ? [] : parseDeliveryStatus(textOf(status.content));
  if (recipients.length > 0) return { kind: "report", recipients };
  if (email.attachments.some(({ mimeType }) => OTHER_REPORTS.includes(mimeType.toLowerCase()))) return { kind: "other", why: "unknown" };
  return judgeText(email, sender);
}

/** A subject that begins so announces a delay; quoted in a bounce's, the original's words say nothing. */
const DELAY = /^\s*(warning\b|delayed\b|(delivery|message) (status notification \()?delay)/i;

/** Exim marks its bounces as automatic replies, but names the addresses that failed. Answering machines have a return path, bounces have none. */
function judgeText(email: Email, sender: string): BounceMail {
  const header = (name: string) => email.headers.find(({ key }) => key === name)?.value ?? "";
  if (header("x-failed-recipients") !== "") return { kind: "text" };
  const isMailSystem = /^(mailer-daemon|postmaster)(@|$)/i.test(email.from?.address || (email.from?.name ?? ""));
  const isAutomatic =
    !/^\s*(no\b|$)/i.test(header("auto-submitted")) ||
    ["x-autoreply", "x-autorespond", "x-auto-response-suppress"].some((name) => header(name) !== "") ||
    /^\s*(auto_reply|bulk|junk|list)\b/i.test(header("precedence"));
  if (isAutomatic && !(isMailSystem && sender === "")) return { kind: "other", why: "auto-reply" };
  if (sender !== "" && !isMailSystem) return { kind: "other", why: "unknown" };
  return DELAY.test(email.subject ?? "") ? { kind: "other", why: "delay" } : { kind: "text" };
}

/** Whether `text` occurs more than `max` times. */
function occurs(bytes: Buffer, text: string, max: number): boolean {
  let count = 0;
  for (let at = bytes.indexOf(text); at >= 0 && count <= max; at = bytes.indexOf(text, at + 1)) count += 1;
  return count > max;
}

const textOf = (content: ArrayBuffer | Uint8Array | string): string =>
  typeof content === "string"
    ? content.slice(0, STATUS_BYTES_MAX)
    : Buffer.from(content as Uint8Array).toString("latin1", 0, STATUS_BYTES_MAX);
