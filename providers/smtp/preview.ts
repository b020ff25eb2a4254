import { fileLength, mailSize, previewedSenders } from "../email-preview.ts";
import type { RequestPreviewer } from "../request-preview.ts";

/**
 * The last header of a part that is a file, with its folded lines, and the lines of base64. What it reads at one place it does not read again at the next, so
 * that a mail whose text looks like headers takes no longer.
 */
const FILE = /(\r\nContent-Disposition: (?:attachment|inline)\b[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n\r\n)([A-Za-z0-9+/=\r\n]+?)(?=\r\n--)/gi;

export const smtpPreview: RequestPreviewer = {
  provider: "smtp",
  channel: "email",
  async build(delivery, now) {
    // With nodemailer, which is loaded by the first preview of a mail.
    const { buildSmtpMail } = await import("./payload.ts");
    const mail = await buildSmtpMail(delivery, previewedSenders(delivery), now);
    if (typeof mail === "string") return mail;
    const { from, to } = mail.envelope;
    return {
      target: `MAIL FROM:<${from}> RCPT TO:<${to}>`,
      ...{ headers: {}, form: "mime", body: asSent(mail.message.toString()).replace(FILE, withoutFile), ...mailSize(delivery) },
    };
  },
};

const withoutFile = (_part: string, head: string, base64: string) => head + fileLength(base64.replace(/[\r\n]/g, "").length);

/** The connection ends each line with CRLF (RFC 5321, section 2.3.8). */
const asSent = (message: string) => message.replace(/\r?\n/g, "\r\n");
