import type { EmailContent } from "../delivery/notification.ts";

/**
 * Subject, html and text together, in bytes. SendGrid takes 30 MB and Mandrill 25 MB, but the content also travels as a JetStream message,
 * whose default bound is 1 MiB with headers and the rest of the task; half of that leaves room. Gmail cuts what it shows at 102 KB.
 */
export const EMAIL_BYTES_MAX = 524_288;

/** Bytes of the content in UTF-8, before a provider's own encoding (at most six times as much in JSON). */
export const emailBytes = (content: EmailContent): number =>
  Buffer.byteLength(content.subject) + Buffer.byteLength(content.html) + Buffer.byteLength(content.text);
