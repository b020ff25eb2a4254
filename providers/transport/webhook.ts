import { timingSafeEqual } from "node:crypto";
import type { Receipt } from "../../core/delivery/receipt.ts";

/** A provider's request as it came in. */
export interface Webhook {
  /** As the provider knows it: FEEDBACK_URL, path and query. Signatures cover it, and behind an ingress it cannot be derived from the request. */
  url: string;
  query: URLSearchParams;
  /** Lower-case names. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it was sent: signatures cover bytes. */
  body: Buffer;
  /** ms since the epoch. */
  receivedAt: number;
}

/** One provider's webhooks, as pure functions that never throw. */
export interface WebhookReader {
  provider: string;
  /** What each of the provider's events becomes. */
  events: EventTable;
  /** The body of a 200, where the provider reads it; default: empty. */
  acknowledgement?: { type: string; body: string };
  /** Whether the request only checks that the URL exists: it is signed with no key of ours and holds no events. */
  isProbe?(webhook: Webhook): boolean;
  /** Whether it was signed with the secret, and recently where the signature holds a time. */
  verify(webhook: Webhook, secret: string): boolean;
  /** The receipts for our attempts in it; undefined where its shape is not the documented one. */
  read(webhook: Webhook): Receipt[] | undefined;
}

/** Receipt kind by the provider's event; events that are not listed change nothing. */
export type EventTable = Readonly<Record<string, Receipt["kind"]>>;

/**
 * Maximum age of a signature that holds a time. Providers repeat for 24 h, and none documents whether a repetition gets a new signature: a smaller
 * limit would reject, after an outage of ours, what was sent during it. A replay changes nothing, since receipts are idempotent.
 */
export const SIGNED_AGO_MS_MAX = 25 * 3_600_000;
/** How far their clock may be ahead of ours. */
export const SIGNED_AHEAD_MS_MAX = 300_000;

/** @param signedAt ms since the epoch; NaN is never recent */
export const isRecent = (signedAt: number, now: number) => signedAt >= now - SIGNED_AGO_MS_MAX && signedAt <= now + SIGNED_AHEAD_MS_MAX;

/** Ids are 32 hex digits, the delivery's index and the attempt's number (core/ports/attempt-store.ts); others were never ours. */
const ATTEMPT_ID = /^[0-9a-f]{32}-\d{1,5}\/\d{1,9}$/;
/** A code. Sentences are not kept: they may name the recipient. */
const CODE = /^[\w.-]{1,64}$/;
const PROVIDER_REF = /^[\w.@<>-]{1,200}$/;

interface ProviderEvent {
  provider: string;
  events: EventTable;
  /** This and the following as the provider sent them, unchecked. */
  attemptId: unknown;
  event: unknown;
  reason?: unknown;
  providerRef?: unknown;
  /** ms since the epoch; receivedAt where it is missing or in the future. */
  at?: number;
  receivedAt: number;
}

/** At most one receipt: none where the event is not listed or names no attempt of ours. A reason that is not a code becomes the event's name. */
export function receiptsOf({ provider, events, attemptId, event, reason, providerRef, at, receivedAt }: ProviderEvent): Receipt[] {
  const kind = typeof event === "string" && Object.hasOwn(events, event) ? events[event] : undefined;
  if (kind === undefined || typeof event !== "string" || typeof attemptId !== "string" || !ATTEMPT_ID.test(attemptId)) return [];
  const receipt: Receipt = { attemptId, provider, kind, at: at !== undefined && at > 0 && at < receivedAt ? at : receivedAt };
  if (kind === "undelivered") receipt.reason = typeof reason === "string" && CODE.test(reason) ? reason : event;
  if (typeof providerRef === "string" && PROVIDER_REF.test(providerRef)) receipt.providerRef = providerRef;
  return [receipt];
}

/** Compares in constant time. */
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

/** Names and values of a form in the order that is signed: by name, then by value, without duplicates. */
export function sortedFields(form: URLSearchParams): string {
  const pairs = [...new Set([...form].map(([name, value]) => JSON.stringify([name, value])))].map((p) => JSON.parse(p) as [string, string]);
  const before = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return pairs
    .sort(([a, x], [b, y]) => before(a, b) || before(x, y))
    .map((pair) => pair.join(""))
    .join("");
}
