import { EMAIL_BYTES_MAX, emailBytes } from "../core/content/email-faults.ts";
import type { OutboundDelivery } from "../core/ports/provider.ts";
import type { EmailSenders } from "./email-config.ts";
import { jsonRequest, type PreviewedRequest } from "./request-preview.ts";

/** An address, because mails have no place for anything else: domains under .invalid do not exist (RFC 2606). */
const SENDER = "EMAIL_FROM@account.invalid";

/** Senders of an account that allows the mail's own `from`. */
export const previewedSenders = ({ content: { email } }: OutboundDelivery): EmailSenders => ({
  ...{ EMAIL_FROM: SENDER, EMAIL_FROM_NAME: "" },
  EMAIL_FROM_ALLOWED: email?.from === undefined ? [] : [email.from.address],
});

/** What counts against the limit of a mail. */
export const mailSize = ({ content: { email } }: OutboundDelivery): Pick<PreviewedRequest, "bytes" | "bytesMax"> => ({
  ...{ bytes: email === undefined ? 0 : emailBytes(email), bytesMax: EMAIL_BYTES_MAX },
});

/** In place of a file. @param chars of base64 */
export const fileLength = (chars: number) => `<${chars} characters of base64>`;

/** A mail as JSON, its files replaced by their lengths: `content` is a text in them alone. */
export function mailRequest(delivery: OutboundDelivery, url: string, headers: Record<string, string>, body: object): PreviewedRequest {
  const shown = JSON.parse(JSON.stringify(body), (key, value: unknown) =>
    key === "content" && typeof value === "string" ? fileLength(value.length) : value,
  ) as object;
  return { ...jsonRequest(url, headers, shown), ...mailSize(delivery) };
}
