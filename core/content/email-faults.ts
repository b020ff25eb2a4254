import { addressFault } from "../delivery/email-address.ts";
import { BLOB_BYTES_MAX } from "./blob.ts";
import { type ContentFault, showsSomething } from "./codec.ts";
import type { Attachment, Calendar, EmailContent, Mailbox } from "./email-content.ts";
import { headerFaults } from "./email-headers.ts";
import { emailOverrideFaults } from "./email-overrides.ts";
import { lineFaults, overrideFaults } from "./field-checks.ts";
import { mediaTypeOf } from "./media-type.ts";

/**
 * Subject, html, text and preheader together, in bytes. E-mail providers take 25 MB and more, but a gateway holds up to 500 contents of one
 * insert in memory, and a dispatcher one for each task under way. Gmail cuts what it shows at 102 KB.
 */
export const EMAIL_BYTES_MAX = 524_288;
/** All files given in a mail itself, in bytes before base64, which adds a third: with the texts they fit in one request. Larger ones are blobs. */
export const ATTACHMENTS_BYTES_MAX = 262_144;

/** Bytes of the content in UTF-8, before a provider's own encoding (at most six times as much in JSON); without attachments and calendar. */
export const emailBytes = ({ subject, html, text, preheader = "" }: EmailContent): number =>
  [subject, html, text, preheader].reduce((sum, part) => sum + Buffer.byteLength(part), 0);

/** The rules that .proto files cannot express. */
export function emailFaults(content: EmailContent): ContentFault[] {
  const { from, replyTo, cc, bcc } = content;
  return [
    ...blankFaults(content),
    ...sizeFaults(content),
    ...mailboxFaults("content.email.from", from),
    ...Object.entries({ reply_to: replyTo, cc, bcc }).flatMap(([name, mailboxes = []]) =>
      mailboxes.flatMap((mailbox, i) => mailboxFaults(`content.email.${name}[${i}]`, mailbox)),
    ),
    ...headerFaults(content.headers),
    ...attachmentFaults(content.attachments),
    ...preheaderFaults(content),
    ...calendarFaults(content.calendar),
    ...overrideFaults("content.email.overrides", { ...content.overrides }),
    ...emailOverrideFaults("sendgrid", content.overrides?.sendgrid),
    ...emailOverrideFaults("mandrill", content.overrides?.mandrill),
  ];
}

/** A mail program shows html where there is any, so that a blank one would hide the text. */
function blankFaults(content: EmailContent): ContentFault[] {
  const isBlank = (text: string) => text !== "" && !showsSomething(text);
  const blank = (["subject", "html", "text"] as const).filter((part) => isBlank(content[part]));
  return blank.map((part) => ({ field: `content.email.${part}`, rule: "email.blank", message: "has nothing to see" }));
}

function sizeFaults(content: EmailContent): ContentFault[] {
  const bytes = emailBytes(content);
  if (bytes <= EMAIL_BYTES_MAX) return [];
  return [{ field: "content.email", rule: "email.bytes", message: `has ${bytes} bytes; at most ${EMAIL_BYTES_MAX} are sent` }];
}

function mailboxFaults(field: string, mailbox: Mailbox | undefined): ContentFault[] {
  if (mailbox === undefined) return [];
  const fault = addressFault(mailbox.address);
  return [
    ...(fault === undefined ? [] : [{ field: `${field}.address`, rule: "string.email", message: `must ${fault}` }]),
    ...lineFaults(`${field}.name`, mailbox.name),
  ];
}

/** Base64 makes four bytes of three. */
const encoded = (bytes: number) => Math.ceil(bytes / 3) * 4;

const tooLarge = (bytes: number, max: number) =>
  `have ${bytes} bytes in all, ${encoded(bytes)} in base64; at most ${max}, ${encoded(max)} in base64`;

const bytesOf = ({ base64 = "" }: Attachment) => Buffer.byteLength(base64, "base64");

/** Of a mail whose files are given and stored; undefined where they are not too many. @param blobBytes of the stored ones, as often as they occur */
export function filesFault({ attachments = [] }: EmailContent, blobBytes: number): ContentFault | undefined {
  const bytes = attachments.reduce((sum, file) => sum + bytesOf(file), blobBytes);
  if (bytes <= BLOB_BYTES_MAX) return undefined;
  return { field: "content.email.attachments", rule: "attachments.bytes", message: tooLarge(bytes, BLOB_BYTES_MAX) };
}

function attachmentFaults(attachments: readonly Attachment[] = []): ContentFault[] {
  const field = "content.email.attachments";
  const sizes = attachments.map(bytesOf);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const ids = attachments.flatMap(({ contentId }) => contentId ?? []);
  return [
    ...sizes.flatMap((size, i) =>
      size > 0 || attachments[i]?.blobId !== undefined
        ? []
        : [{ field: `${field}[${i}].content`, rule: "attachment.empty", message: "is empty" }],
    ),
    ...attachments.flatMap(({ filename }, i) => lineFaults(`${field}[${i}].filename`, filename)),
    ...(bytes <= ATTACHMENTS_BYTES_MAX
      ? []
      : [
          {
            field,
            rule: "attachments.bytes",
            message: `${tooLarge(bytes, ATTACHMENTS_BYTES_MAX)}; put larger files with BlobService.PutBlob and give their blob_id`,
          },
        ]),
    ...attachments.flatMap(({ contentType }, i) =>
      /^(message|multipart)\//i.test(contentType)
        ? [
            {
              field: `${field}[${i}].content_type`,
              rule: "attachment.type",
              message: "must not be message/* or multipart/*: mail programs read these as mails; use application/octet-stream",
            },
          ]
        : [],
    ),
    ...attachments.flatMap(({ contentType }, i) =>
      mediaTypeOf(contentType).parameters.has("name")
        ? [{ field: `${field}[${i}].content_type`, rule: "attachment.name", message: "must not have the parameter name: use filename" }]
        : [],
    ),
    ...attachments.flatMap(({ contentId, contentType }, i) =>
      contentId === undefined || /^image\//i.test(contentType)
        ? []
        : [{ field: `${field}[${i}].content_type`, rule: "attachment.inline", message: "must be image/* where content_id is given" }],
    ),
    ...(new Set(ids).size < ids.length ? [{ field, rule: "attachments.twice", message: "must have a different content_id for each" }] : []),
  ];
}

/** It is an element of html that is not shown; a list of mails shows the first words of a text. */
const preheaderFaults = ({ preheader, html }: EmailContent): ContentFault[] => [
  ...lineFaults("content.email.preheader", preheader),
  ...(preheader !== undefined && html === ""
    ? [{ field: "content.email.preheader", rule: "preheader.html", message: "needs html, which it is put into" }]
    : []),
];

/** Mail programs show no buttons where the two methods differ, or the file is none. */
function calendarFaults(calendar: Calendar | undefined): ContentFault[] {
  if (calendar === undefined) return [];
  const { method, ics } = calendar;
  const field = "content.email.calendar.ics";
  if (!/^BEGIN:VCALENDAR\r?\n/i.test(ics)) return [{ field, rule: "calendar.form", message: "must begin with BEGIN:VCALENDAR" }];
  const stated = /^METHOD:([A-Z]+)\r?$/im.exec(ics)?.[1]?.toUpperCase();
  return stated === method ? [] : [{ field, rule: "calendar.method", message: `must have the line METHOD:${method}, as method says` }];
}
