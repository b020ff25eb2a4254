import type { Finding, StatusQuery } from "../../core/ports/provider.ts";
import { fieldOf, isWord, textFieldsOf } from "../transport/foreign.ts";
import { ABSENT, found, unreadable } from "../transport/status-query.ts";

/** Mailchimp Transactional: "messages/search" ("may be called up to 20 times per minute"), for the whole account. */
export const SEARCH_BUDGET = { calls: 20, periodMs: 60_000 };
/** The most one search returns; far more than one address gets from us in three days. */
const MESSAGES_MAX = 1_000;
const DAY_MS = 86_400_000;

/** States of a mail that is under way or was sent, which need no warning. */
const UNDER_WAY_OR_DELIVERED = new Set(["sent", "delivered", "queued", "scheduled", "deferred"]);

/** The body of messages/search but for the key. */
export interface MandrillSearch {
  query: string;
  /** Days, UTC, both inclusive. */
  date_from: string;
  date_to: string;
  limit: number;
}

/**
 * By address, not by our id in the metadata: that is searchable only where the field is registered in the account's settings, and finds nothing
 * otherwise. The results carry the metadata either way.
 */
export function buildMandrillSearch({ endpoint, startedAt }: StatusQuery): MandrillSearch | undefined {
  if (endpoint.channel !== "email") return undefined;
  // A phrase in Lucene's syntax, which their search has ("How to Search Outbound Activity").
  const address = endpoint.address.replace(/["\\]/g, "\\$&");
  return { query: `full_email:"${address}"`, date_from: day(startedAt - DAY_MS), date_to: day(startedAt + DAY_MS), limit: MESSAGES_MAX };
}

/** What a search that was answered with 200 says about the attempt: certain where one result's metadata names it. */
export function readMandrillSearch(body: unknown, { attemptId }: StatusQuery): Finding {
  if (!Array.isArray(body)) return unreadable("bad-response");
  const own = body.find((message: unknown) => textFieldsOf(fieldOf(message, "metadata"))("carillon_attempt") === attemptId);
  if (own === undefined) return body.length < MESSAGES_MAX ? ABSENT : unreadable("status-query-incomplete");
  const field = textFieldsOf(own);
  const state = field("state");
  if (state === "rejected" || state === "invalid") return { kind: "found", outcome: { kind: "rejected", reason: `mandrill-${state}` } };
  return found(field("_id"), UNDER_WAY_OR_DELIVERED.has(state) || !isWord(state) ? undefined : `state: ${state}`);
}

const day = (at: number) => new Date(at).toISOString().slice(0, 10);
