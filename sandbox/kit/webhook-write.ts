import type { InboundText } from "./inbound-text.ts";
import { parseJson } from "./read.ts";
import type { Sent, WireAnswer } from "./simulator.ts";

/** An event of a message that the provider accepted. */
export interface WebhookEvent {
  /** The same when the event is repeated. */
  eventId: string;
  kind: "accepted" | "delivered" | "undelivered";
  /** The provider's code for "undelivered"; undefined: its most common one. */
  reason: string | undefined;
  sent: Sent;
  /** The provider's id of the message, or of one part of it. */
  ref: string;
  /** ms since the epoch. */
  at: number;
}

export interface SignedPost {
  /** Absent: POST. */
  method?: "GET" | "POST";
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** How one provider writes its webhooks. */
export interface WebhookWriter {
  /** How many events one request may carry. */
  eventsMax: number;
  /** The message ids in the answer to a send; each has events of its own. */
  refsIn(answer: WireAnswer): string[];
  /** Whether this message asked for webhooks at `target`; absent: every message does. */
  isWanted?(sent: Sent, target: string): boolean;
  /** Signed with the current time. @param target base URL without a slash at its end */
  write(events: readonly WebhookEvent[], target: string): SignedPost;
  /** A text that a person wrote, in one request or one for each part; absent: nobody can write to it. */
  writeText?(text: InboundText, target: string): SignedPost[];
}

export const bodyOf = (answer: WireAnswer): unknown => parseJson(answer.body ?? "");

/** Names and values concatenated, sorted by name: what some providers append to the URL before signing. */
export const formText = (form: Readonly<Record<string, string>>) =>
  Object.keys(form)
    .sort()
    .map((name) => `${name}${form[name]}`)
    .join("");

export const FORM = "application/x-www-form-urlencoded; charset=utf-8";
