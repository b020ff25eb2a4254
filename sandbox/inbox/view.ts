/** What the inbox's API answers; the page reads the same. Moments are ms since the epoch. */

export const INBOX_CHANNELS = ["push", "sms", "email"] as const;
export type InboxChannel = (typeof INBOX_CHANNELS)[number];

/** One send request that arrived: what a list shows of it. */
export interface Summary {
  /** Counts up from 1; never used again until the sandbox restarts. */
  id: number;
  channel: InboxChannel;
  /** What would show it. */
  device: "ios" | "android" | "browser" | "phone" | "mailbox";
  provider: string;
  /** As the provider was given it: a token, a subscription's URL, a number with the plus, an address. */
  to: string;
  /** The same for a narrow line: the end of a token, the name of a subscription. */
  toShort: string;
  arrivedAt: number;
  /** Whether the provider took it, even if its answer was cut or withheld. */
  accepted: boolean;
  /** What it was answered, in short: "202", "410 Unregistered", "no answer". */
  answer: string;
  /** Where a fault was ordered for it: "503; ordered here, 1 of 3". */
  fault?: string | undefined;
  /** Of a mail the subject, of a push the title, of a text its beginning. Empty where there is none. */
  title: string;
  /** Of a push the body, of a text all of it, of a mail the beginning of its text. */
  body: string;
  push?: PushParts | undefined;
  sms?: SmsSize | undefined;
}

export interface PushParts {
  /** What the device does with it: only "alert" is shown. */
  kind: "alert" | "silent" | "call" | "live-activity";
  subtitle: string;
  /** The host that a tap opens. Empty: not said. */
  opens: string;
  /** Host of a picture, which the inbox does not fetch. Empty: none. */
  pictureFrom: string;
}

export interface SmsSize {
  segments: number;
  encoding: "GSM-7" | "UCS-2";
  /** What counts against the limit: septets of GSM-7, UTF-16 units of UCS-2. */
  units: number;
  /** Units that one segment holds: of one alone, or of one of several. */
  perSegment: number;
  pictures: number;
}

/** Everything that is known of a message without asking its sender. */
export interface Message extends Summary {
  deliveryId: string;
  attemptId: string;
  from: string;
  cc: string[];
  bcc: string[];
  /** Of a mail; empty: it has none. */
  html: string;
  text: string;
  attachments: { filename: string; type: string; bytes: number; inline: boolean }[];
  headers: { name: string; value: string }[];
  /** Of a mail: the URL to which its one-click unsubscription is posted; undefined: it offers none. */
  oneClickUrl?: string | undefined;
  /** Remote pictures, fonts and style sheets that the mail names; the inbox fetches none. */
  remote: number;
  /** The request as it came, without credentials. */
  raw: string;
  /** Whether the raw request is longer than what is shown. */
  rawCut: boolean;
}

export type Counts = Record<"all" | InboxChannel, number>;

export interface MessageList {
  messages: Summary[];
  /** Messages there are, whatever is listed. */
  kept: number;
  /** How many match the words and the recipient, by channel. */
  counts: Counts;
  /** Accepted since the start, or since everything was deleted; also those dropped since. */
  arrived: number;
  /** Rejected in the same time. */
  rejected: number;
  /** Older messages that were dropped for want of room. */
  dropped: number;
}

/** In a timeline. Colours have a meaning: done, failed, in doubt, merely happened. */
type Mark = "ok" | "bad" | "doubt" | "";

export interface TimelineEvent {
  at: number;
  title: string;
  /** A sentence, or empty. */
  detail: string;
  mark: Mark;
}

/** A state as the page shows it: one word, one class, one sentence. */
export interface ShownState {
  word: string;
  mark: "ok" | "wait" | "warn" | "bad" | "doubt" | "";
  sentence: string;
}

/** What the sender knows of a delivery; a sandbox by itself knows only what arrived. */
export interface DeliveryHistory {
  notificationId: string;
  idempotencyKey: string;
  app: string;
  /** Whom the notification was for, where that is a user. */
  userId?: string | undefined;
  state: ShownState;
  /** In any order. */
  events: TimelineEvent[];
}

export interface Timeline {
  /** The message's. */
  id: number;
  /** Whether the sender could be asked, and knew it. */
  sender: "known" | "unknown" | "not-connected" | "failed";
  history?: Omit<DeliveryHistory, "events"> | undefined;
  /** The latest first. */
  events: TimelineEvent[];
}

/** A fault as a button orders it: POST the order, with `times`, to /faults. */
export interface FaultButton {
  label: string;
  order: { provider: string; do: Record<string, unknown> & { kind: string } };
}

export interface Standing {
  id: number;
  /** "Twilio answers 503 to +15550100117, 2 of 3 left" */
  text: string;
}

export interface FaultsView {
  /** In the order in which they are offered. */
  providers: { name: string; label: string; channel: InboxChannel; buttons: FaultButton[] }[];
  standing: Standing[];
  /** The `times` of an order that stands until it is removed. */
  untilRemoved: number;
}

/** What became of an action, in a sentence for the person who pressed the button. */
export interface Acted {
  ok: boolean;
  said: string;
  /** A page to open, where that was asked for. */
  url?: string | undefined;
}

/** Events of GET /inbox/api/events; each says only what to read again. A timeline's data is the message's id; empty: every message's. */
export type EventName = "messages" | "faults" | "timeline" | "beat";
