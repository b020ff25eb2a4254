import { timingSafeEqual } from "node:crypto";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Receipt } from "../../core/delivery/receipt.ts";
import type { Learned } from "../../core/preferences/learned.ts";
import type { SmsCommand } from "../../core/preferences/sms-words.ts";
import type { JsonLimits } from "../../runtime/http/bounded-json.ts";
import type { InboundText } from "./inbound-text.ts";

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

/** Values of the provider's webhook variables, for the account the webhook is for. */
export type WebhookSettings = Readonly<Record<string, unknown>>;

/** One provider's webhooks, as pure functions that never throw. */
export interface WebhookReader {
  provider: string;
  /** What each of the provider's events becomes. */
  events: EventTable;
  /** The body of a 200, where the provider reads it; default: empty. */
  acknowledgement?: { type: string; body: string };
  /** Larger bodies are rejected unread: several times what the provider sends. */
  bodyBytesMax: number;
  /** Whether the headers may be those of a signed request; otherwise it is rejected before its body is read. */
  maySign(headers: Webhook["headers"], settings: WebhookSettings): boolean;
  /** Whether the request only checks that the URL exists: it is signed with no key of ours and holds no events. */
  isProbe?(webhook: Webhook): boolean;
  /** Whether it was signed with the secret, and recently where the signature holds a time. */
  verify(webhook: Webhook, secret: string, settings: WebhookSettings): boolean;
  /** The receipts for our attempts in it; undefined where its shape is not the documented one. */
  read(webhook: Webhook): Receipt[] | undefined;
  /** Absent: nobody writes to what the provider sends from, or not by webhook. */
  texts?: InboundTexts | undefined;
}

/** Texts that people write, which come by the same route. */
export interface InboundTexts {
  /** Whether they, and receipts, may come by GET, with everything in the query. */
  byGet: boolean;
  /**
   * The text in a webhook that was verified; undefined where the webhook is about something else. "unreadable": it is one, of no documented shape.
   * "ignored": nobody wrote it to whom it could matter.
   */
  read(webhook: Webhook): InboundText | "unreadable" | "ignored" | undefined;
  /** The account's senders that it was written to: poolsOf(). */
  poolsOf(text: InboundText, settings: WebhookSettings): string[];
  /** The body of a 200 that has the provider answer the person; undefined: as configured, nothing is answered. */
  answer?(command: SmsCommand, settings: WebhookSettings): string | undefined;
  /** Answers the person by a call, where the provider takes no answer to the webhook. */
  reply?: TextReplies | undefined;
}

/** An answer to a person's text, from the sender that the text was written to. */
export interface TextReply {
  from: string;
  /** E.164 with the plus. */
  to: string;
  text: string;
}

export type SendReply = (reply: TextReply, settings: WebhookSettings, signal: AbortSignal) => Promise<Outcome>;

export interface TextReplies {
  /** Undefined: as configured, nothing is answered. */
  textOf(command: SmsCommand, settings: WebhookSettings): string | undefined;
  /** Why it cannot be sent as configured; names variables, never values. */
  fault(settings: WebhookSettings): string | undefined;
  /** Imports what calls. One call is one text, never repeated; it never rejects. */
  load(): Promise<SendReply>;
}

/** Receipt kind by the provider's event; events that are not listed change nothing. */
export type EventTable = Readonly<Record<string, Receipt["kind"]>>;

/**
 * Maximum age of a signature that holds a time. Providers repeat for 24 h, and none documents whether a repetition gets a new signature: a smaller
 * limit would reject, after an outage of ours, what was sent during it. A replay changes nothing, since receipts are idempotent.
 */
export const SIGNED_AGO_MS_MAX = 25 * 3_600_000;
/** How far a provider's clock may be ahead of ours, in ms. */
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
  /** What it says of the recipient beside that. */
  learned?: Learned | undefined;
  /** ms since the epoch; receivedAt where it is missing or in the future. */
  at?: number;
  receivedAt: number;
}

/** At most one receipt: none where the event is not listed or names no attempt of ours. A reason that is not a code becomes the event's name. */
export function receiptsOf({ provider, events, attemptId, event, reason, providerRef, learned, at, receivedAt }: ProviderEvent): Receipt[] {
  const kind = typeof event === "string" && Object.hasOwn(events, event) ? events[event] : undefined;
  if (kind === undefined || typeof event !== "string" || typeof attemptId !== "string" || !ATTEMPT_ID.test(attemptId)) return [];
  const receipt: Receipt = { attemptId, provider, kind, at: at !== undefined && at > 0 && at < receivedAt ? at : receivedAt };
  if (kind === "undelivered") receipt.reason = typeof reason === "string" && CODE.test(reason) ? reason : event;
  if (typeof providerRef === "string" && PROVIDER_REF.test(providerRef)) receipt.providerRef = providerRef;
  if (learned !== undefined) receipt.learned = learned;
  return [receipt];
}

/** A moment in seconds, as a number or its text, in whole ms; NaN where it is neither: to read an object as a number may throw. */
export const momentIn = (seconds: unknown): number =>
  typeof seconds === "number" || typeof seconds === "string" ? Math.round(Number(seconds) * 1_000) : Number.NaN;

/** Compares in constant time. */
export function isSame(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** "" where it is missing or given as a list. */
export const header = ({ headers }: Pick<Webhook, "headers">, name: string): string => {
  const value = headers[name];
  return typeof value === "string" ? value : "";
};

/** The bytes of a text that is exactly their encoding; no bytes otherwise. Node's decoder leaves out what it does not know, and takes the rest. */
export function decodeExactly(text: string, encoding: "base64" | "base64url" | "hex"): Buffer {
  const bytes = Buffer.from(text, encoding);
  const given = encoding === "hex" ? text.toLowerCase() : text;
  return bytes.toString(encoding) === given ? bytes : Buffer.alloc(0);
}

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

/** Providers send below 30. Checked before anything is decoded or sorted. */
export const FORM_FIELDS_MAX = 100;
/** Signed texts put names beside values without a mark between. Other characters could be part of a value of what was signed. */
const FIELD_NAME = /^[\w.-]{1,64}$/;
const AMPERSAND = 0x26;

/** A form's fields, or undefined where they are too many or one has a name that no provider gives. */
export function parseForm(body: Buffer): URLSearchParams | undefined {
  let fields = 1;
  for (let at = body.indexOf(AMPERSAND); at >= 0 && fields <= FORM_FIELDS_MAX; at = body.indexOf(AMPERSAND, at + 1)) fields++;
  if (fields > FORM_FIELDS_MAX) return undefined;
  const form = new URLSearchParams(body.toString());
  return [...form.keys()].every((name) => FIELD_NAME.test(name)) ? form : undefined;
}

/** Names and values of a form in the order that is signed: by name, then by value, without duplicates. */
export function sortedFields(form: URLSearchParams): string {
  const pairs = [...new Set([...form].map(([name, value]) => JSON.stringify([name, value])))].map((p) => JSON.parse(p) as [string, string]);
  const before = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return pairs
    .sort(([a, x], [b, y]) => before(a, b) || before(x, y))
    .map((pair) => pair.join(""))
    .join("");
}

/** Batches of events hold a thousand of them at most, each with a few dozen values, and custom fields one level down. */
export const EVENTS_JSON: JsonLimits = { itemsMax: 200_000, depthMax: 16 };
