import type { Block } from "../preferences/block.ts";
import type { ChangeEntry, PreferenceState } from "../preferences/change.ts";
import { endpointIdOf, type OptOut, userIdOf } from "../preferences/opt-out.ts";
import { isActive, type WebhookEndpoint } from "./endpoint.ts";

/** One change of preferences that one endpoint of the app is still to be told of. Times are ms since the epoch. */
export interface WebhookEvent {
  change: ChangeEntry;
  /** Its name. */
  endpoint: string;
  due: number;
  /** Calls that failed. */
  tries: number;
}

export type WebhookEventKey = Pick<WebhookEvent, "endpoint"> & { change: Pick<ChangeEntry, "app" | "subject" | "version"> };

/** Names an event. MongoDB also stores it under this key, where those of a subject are one range (adapters/mongo/webhook-events.ts). */
export const keyOf = ({ change: { app, subject, version }, endpoint }: WebhookEventKey): string =>
  JSON.stringify([app, subject, version, endpoint]);

/** Those that are told of a change of this subject. What is kept of an erased person names nobody, and is no news. */
export const listenersOf = (endpoints: readonly WebhookEndpoint[], subject: string): string[] =>
  isPersons(subject) ? endpoints.filter(isActive).map(({ name }) => name) : [];

const isPersons = (subject: string) => userIdOf(subject) !== undefined || endpointIdOf(subject) !== undefined;

/** Receivers accept 20 kB, as Standard Webhooks advises; a person with a thousand choices may exceed it. */
export const BODY_BYTES_MAX = 20_000;

/** Whom an event is about, besides its subject. */
export interface EventSubject {
  /** Who has registered the endpoint, at most USERS_MAX; for a user: none. */
  userIds: readonly string[];
  /** Masked, and its channel; absent where nobody has registered it, and for a user. */
  endpoint?: { channel: string; masked: string } | undefined;
}

/** A mailbox may have 100 users; more than these are seldom of use. */
const USERS_MAX = 10;

/**
 * The body of an event. What proves a change, and a provider's words, are left out: they may hold addresses. Where it would be too large it says so in
 * `truncated`, without what differs.
 */
export function eventBody(change: ChangeEntry, about: EventSubject): string {
  const body = bodyOf(change, about, { before: stateText(change.before), after: stateText(change.after) });
  return Buffer.byteLength(body) <= BODY_BYTES_MAX ? body : bodyOf(change, about, { truncated: true });
}

function bodyOf({ app, subject, version, at, origin }: ChangeEntry, { userIds, endpoint }: EventSubject, differs: object): string {
  const endpointId = endpointIdOf(subject);
  const who =
    endpointId === undefined
      ? { userId: userIdOf(subject) }
      : { endpoint: { id: endpointId, ...endpoint }, userIds: userIds.slice(0, USERS_MAX) };
  const data = { app, ...who, version, at: isoTime(at), actor: origin.actor, source: origin.source, ...differs };
  return JSON.stringify({ type: "preference.changed", timestamp: isoTime(at), data });
}

const stateText = ({ optOuts, consents, blocks }: PreferenceState) => ({
  optOuts: optOuts.map(choiceText),
  consents: consents.map(choiceText),
  blocks: blocks.map(blockText),
});
const choiceText = ({ channel, category, until }: OptOut) => ({
  channel,
  category,
  ...(until !== undefined && { until: isoTime(until) }),
});
const blockText = ({ kind, pool, classes, source, at }: Block) => ({ kind, sender: pool, classes, source, at: isoTime(at) });
const isoTime = (ms: number) => new Date(ms).toISOString();
