import { timingSafeEqual } from "node:crypto";
import type { Receipt } from "../../core/delivery/receipt.ts";

/** A provider's request as it came in. */
export interface Webhook {
  /** As the provider knows it: FEEDBACK_URL, path and query. Signatures cover it, and behind an ingress nothing else tells it. */
  url: string;
  query: URLSearchParams;
  /** Lower-case names. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it was sent: signatures cover bytes. */
  body: Buffer;
  /** ms since the epoch. */
  receivedAt: number;
}

/** One provider's webhooks, as pure functions. Neither throws, whatever the request holds. */
export interface WebhookReader {
  provider: string;
  /** What each of the provider's events becomes. */
  events: EventTable;
  /** What stands in a 200 where the provider looks; by default nothing. */
  acknowledgement?: { type: string; body: string };
  /** Whether the provider asks for the address alone, signed with no key of ours; it has nothing to tell. */
  isProbe?(webhook: Webhook): boolean;
  /** Whether whoever has the secret sent this, and lately where the signature says when. */
  verify(webhook: Webhook, secret: string): boolean;
  /** What is told of attempts of ours; undefined where the request has another shape than the provider documents. */
  read(webhook: Webhook): Receipt[] | undefined;
}

/** What a provider's words come to; a word that is not listed says nothing of the way of a message. */
export type EventTable = Readonly<Record<string, Receipt["kind"]>>;

/**
 * How old a signature that tells its time may be. Providers repeat for 24 h, and none documents whether a repetition is signed anew: with
 * less, what they told during an outage of ours would be rejected after it. A replay within it changes nothing, for a receipt applies once.
 */
export const SIGNED_AGO_MS_MAX = 25 * 3_600_000;
/** How far their clock may be ahead of ours. */
export const SIGNED_AHEAD_MS_MAX = 300_000;

/** @param signedAt ms since the epoch; NaN is never recent */
export const isRecent = (signedAt: number, now: number) => signedAt >= now - SIGNED_AGO_MS_MAX && signedAt <= now + SIGNED_AHEAD_MS_MAX;

/** Ids are 32 hex digits, the delivery's index and the attempt's number (core/ports/attempt-store.ts); others were never ours. */
const ATTEMPT_ID = /^[0-9a-f]{32}-\d{1,5}\/\d{1,9}$/;
/** Codes are words and numbers; sentences may name the recipient. */
const CODE = /^[\w.-]{1,64}$/;
const PROVIDER_REF = /^[\w.@<>-]{1,200}$/;

interface Told {
  provider: string;
  events: EventTable;
  /** All as the provider sent them, and unchecked. */
  attemptId: unknown;
  event: unknown;
  reason?: unknown;
  providerRef?: unknown;
  /** ms since the epoch; where the provider does not tell, or tells of the future, receivedAt. */
  at?: number;
  receivedAt: number;
}

/** One event as a receipt: none where it is not of an attempt of ours or no receipt. The reason of what is no code is the event's name. */
export function receiptsOf({ provider, events, attemptId, event, reason, providerRef, at, receivedAt }: Told): Receipt[] {
  const kind = typeof event === "string" && Object.hasOwn(events, event) ? events[event] : undefined;
  if (kind === undefined || typeof event !== "string" || typeof attemptId !== "string" || !ATTEMPT_ID.test(attemptId)) return [];
  const receipt: Receipt = { attemptId, provider, kind, at: at !== undefined && at > 0 && at < receivedAt ? at : receivedAt };
  if (kind === "undelivered") receipt.reason = typeof reason === "string" && CODE.test(reason) ? reason : event;
  if (typeof providerRef === "string" && PROVIDER_REF.test(providerRef)) receipt.providerRef = providerRef;
  return [receipt];
}

/** Compares without telling by its time how much is right. */
export function isSame(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export const header = ({ headers }: Webhook, name: string): string => {
  const value = headers[name];
  return typeof value === "string" ? value : "";
};

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

export const parseForm = (body: Buffer) => new URLSearchParams(body.toString());

/** Names and values of a form in the order signatures want: by name, for a repeated name by value, and nothing twice. */
export function sortedFields(form: URLSearchParams): string {
  const pairs = [...new Set([...form].map(([name, value]) => JSON.stringify([name, value])))].map((p) => JSON.parse(p) as [string, string]);
  const before = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return pairs
    .sort(([a, x], [b, y]) => before(a, b) || before(x, y))
    .map((pair) => pair.join(""))
    .join("");
}
