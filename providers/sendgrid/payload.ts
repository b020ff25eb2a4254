import { EMAIL_PROTECTED } from "../../core/content/email-overrides.ts";
import type { JsonObject } from "../../core/content/json.ts";
import { mediaTypeOf } from "../../core/content/media-type.ts";
import { withOverride } from "../../core/content/overrides.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import type { EmailSenders } from "../email-config.ts";
import { type Mail, mailOf } from "../email-mail.ts";

interface Person {
  email: string;
  name?: string | undefined;
}

interface File {
  content: string;
  filename: string;
  type: string;
  disposition: "attachment" | "inline";
  content_id?: string;
}

/** The part of a mail we use (SendGrid: Mail Send, v3). */
export interface SendgridMail {
  from: Person;
  reply_to?: Person;
  reply_to_list?: Person[];
  subject: string;
  content: { type: string; value: string }[];
  attachments?: File[];
  categories?: string[];
  personalizations: {
    to: { email: string }[];
    headers: Record<string, string>;
    custom_args: { carillon_delivery: string; carillon_attempt: string };
  }[];
  tracking_settings: {
    click_tracking: { enable: false; enable_text: false };
    open_tracking: { enable: false };
    subscription_tracking: { enable: false };
    ganalytics: { enable: false };
  };
}

/** The body of a send, or the reason of "rejected" where there is none. */
export function buildSendgridMail(delivery: OutboundDelivery, senders: EmailSenders): JsonObject | string {
  const mail = mailOf(delivery, senders);
  if (typeof mail === "string") return mail;
  return withOverride(payloadOf(mail, delivery), delivery.content.email?.overrides?.sendgrid, EMAIL_PROTECTED.sendgrid);
}

function payloadOf(mail: Mail, { deliveryId, attemptId }: OutboundDelivery): SendgridMail {
  const replyTo = mail.replyTo.map(personOf);
  const files = filesOf(mail);
  return {
    from: personOf(mail.from),
    ...(replyTo.length === 1 ? { reply_to: replyTo[0]! } : replyTo.length > 1 ? { reply_to_list: replyTo } : {}),
    subject: mail.subject,
    content: contentOf(mail),
    ...(files.length > 0 ? { attachments: files } : {}),
    ...(mail.tags.length > 0 ? { categories: [...mail.tags] } : {}),
    personalizations: [
      {
        to: [{ email: mail.to }],
        // Headers of the whole mail would do for one recipient, but SendGrid's own clients send those to its API too, as HTTP headers.
        headers: { ...mail.headers, "Message-ID": mail.messageId },
        // They come back in every event.
        custom_args: { carillon_delivery: deliveryId, carillon_attempt: attemptId },
      },
    ],
    // Links stay what the caller wrote; opens and clicks are not tracked, whatever the account's settings are.
    tracking_settings: {
      click_tracking: { enable: false, enable_text: false },
      open_tracking: { enable: false },
      subscription_tracking: { enable: false },
      ganalytics: { enable: false },
    },
  };
}

const personOf = ({ address, name }: { address: string; name?: string | undefined }): Person => ({
  email: address,
  ...(name === undefined ? {} : { name }),
});

/** Plain text first (RFC 2046, 5.1.4: the last alternative is the best). */
function contentOf({ text, html, calendar }: Mail): SendgridMail["content"] {
  return [
    ...(text === "" ? [] : [{ type: "text/plain", value: text }]),
    ...(html === "" ? [] : [{ type: "text/html", value: html }]),
    ...(calendar === undefined ? [] : [{ type: `text/calendar; method=${calendar.method}`, value: calendar.ics }]),
  ];
}

const filesOf = ({ attachments, inline }: Mail): File[] => [
  ...attachments.map((file): File => ({ ...fileOf(file), disposition: "attachment" })),
  ...inline.map((file): File => ({ ...fileOf(file), disposition: "inline", content_id: file.contentId })),
];

const fileOf = ({ base64, filename, contentType }: Mail["attachments"][number]) => ({
  content: base64,
  filename,
  type: typeOf(contentType),
});

/** SendGrid refuses parameters but for a calendar's method (sendgrid-java#552, sendgrid-ruby#298). */
function typeOf(contentType: string): string {
  const { type, parameters } = mediaTypeOf(contentType);
  const method = type === "text/calendar" ? parameters.get("method") : undefined;
  return method === undefined || !/^[a-z]+$/i.test(method) ? type : `${type}; method=${method.toUpperCase()}`;
}
