import type { JsonObject } from "./json.ts";

export interface Mailbox {
  address: string;
  /** The display name; absent: none. */
  name?: string | undefined;
}

/** A file: in it, or as the id of a blob, which its dispatcher reads. */
export interface Attachment {
  filename: string;
  contentType: string;
  /** The file in base64 (RFC 4648, section 4): contents are stored as JSON, and e-mail providers take it so. */
  base64?: string | undefined;
  blobId?: string | undefined;
  /** Set: it is inline, and html refers to it as cid:<contentId>. */
  contentId?: string | undefined;
}

/** An invitation: a third alternative beside text and html. */
export interface Calendar {
  /** Of iTIP (RFC 5546), in capitals; the same as METHOD in `ics`. */
  method: string;
  ics: string;
}

/** Merge patches (RFC 7396) of what each provider is sent. */
export interface EmailOverrides {
  sendgrid?: JsonObject | undefined;
  mandrill?: JsonObject | undefined;
}

/** Whether a mail offers to unsubscribe by one click; the order is that of the contract's numbers. */
export const UNSUBSCRIBE_MODES = ["none", "one-click"] as const;
export type UnsubscribeMode = (typeof UNSUBSCRIBE_MODES)[number];

/** At least one of html and text is not empty. Any other field that the caller did not give is absent. */
export interface EmailContent {
  subject: string;
  html: string;
  text: string;
  from?: Mailbox | undefined;
  replyTo?: Mailbox[] | undefined;
  cc?: Mailbox[] | undefined;
  bcc?: Mailbox[] | undefined;
  /** Names as the caller spelled them, each allowed by email-headers.ts; values are printable ASCII. */
  headers?: Record<string, string> | undefined;
  attachments?: Attachment[] | undefined;
  preheader?: string | undefined;
  overrides?: EmailOverrides | undefined;
  tags?: string[] | undefined;
  calendar?: Calendar | undefined;
  /** Absent: as its class and category say. */
  unsubscribe?: UnsubscribeMode | undefined;
}

/** The blobs that it attaches, each once. */
export const blobIdsOf = ({ attachments = [] }: EmailContent): string[] => [...new Set(attachments.flatMap(({ blobId }) => blobId ?? []))];

/** What came after subject, html and text; the hash and the needs of a task go by this list. */
export const RICH_EMAIL_FIELDS = [
  "from",
  "replyTo",
  "cc",
  "bcc",
  "headers",
  "attachments",
  "preheader",
  "overrides",
  "tags",
  "calendar",
  "unsubscribe",
] as const satisfies (keyof EmailContent)[];
