import { parseJson } from "./read.ts";
import type { Sent, WireAnswer } from "./simulator.ts";

/** One thing the provider tells of a message it accepted. */
export interface Told {
  /** The same when it is told again. */
  eventId: string;
  kind: "accepted" | "delivered" | "undelivered";
  /** In the provider's own words, for "undelivered"; undefined: its most usual one. */
  reason: string | undefined;
  sent: Sent;
  /** The provider's id of the message, or of one part of it. */
  ref: string;
  /** ms since the epoch. */
  at: number;
}

export interface SignedPost {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** How one provider writes its webhooks. */
export interface WebhookWriter {
  /** What one request may carry. */
  eventsMax: number;
  /** The ids in the answer to a send; each is told of on its own. */
  refsIn(answer: WireAnswer): string[];
  /** Whether this message asked to be told of at `target`. */
  isWanted?(sent: Sent, target: string): boolean;
  /** Signed now. @param target base URL without a slash at its end */
  write(told: readonly Told[], target: string): SignedPost;
}

export const bodyOf = (answer: WireAnswer): unknown => parseJson(answer.body ?? "");

/** Name and value after name and value, by name: what providers that sign the URL put after it. */
export const formText = (form: Readonly<Record<string, string>>) =>
  Object.keys(form)
    .sort()
    .map((name) => `${name}${form[name]}`)
    .join("");

export const FORM = "application/x-www-form-urlencoded; charset=utf-8";
