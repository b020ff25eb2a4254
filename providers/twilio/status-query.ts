import { sentText } from "../../core/content/sms-content.ts";
import { ADAPTER_GRACE_MS, RECORD_MS } from "../../core/delivery/call-limits.ts";
import type { Finding, StatusQuery } from "../../core/ports/provider.ts";
import { isWord } from "../transport/foreign.ts";
import { ABSENT, found, unreadable } from "../transport/status-query.ts";

/** Whether this message belongs to this attempt: AttemptStore.attribute decides for all processes. Rejects while the store is unavailable. */
export type Attribute = (providerRef: string, attemptId: string) => Promise<boolean>;

/** Messages read of one number and sender, newest first: more than we send to one person within minutes. */
export const MESSAGES_READ = 50;
/** How far Twilio's clock may be behind ours, in ms, and a second because its times are whole seconds. */
const BEHIND_MS = 6_000;
/** How long after a call's deadline Twilio's clock may show its message, in ms: the time from claim to call, and a clock ahead of ours. */
const ACCEPTED_AFTER_DEADLINE_MS = 20_000;

/** How long the last try to record an outcome may take, in ms: the driver's server selection and its socket time-out. */
const LAST_WRITE_MS = 15_000;
/**
 * How long after an attempt's claim the answers of its possible twins (the same text to the same number) are recorded, in ms, or never will be. The
 * last twin was accepted when this attempt can last have been; then passed its whole deadline, the adapter's grace, and all tries to record it.
 */
export const settledMs = (deadlineMs: number) =>
  deadlineMs + ACCEPTED_AFTER_DEADLINE_MS + deadlineMs + ADAPTER_GRACE_MS + RECORD_MS + LAST_WRITE_MS;

/** What we read of Twilio's Message resource. */
export interface ListedMessage {
  sid: string;
  body: string;
  to: string;
  /** Of a message of a Messaging Service the number that it chose, once it has. */
  from: string;
  messagingServiceSid: string | null;
  direction: string;
  status: string;
  dateCreated: Date | undefined;
}

/** States that need no warning. */
const UNDER_WAY_OR_DELIVERED = new Set(["accepted", "scheduled", "queued", "sending", "sent", "delivered", "read"]);

/** Whether a listed message tells its text: of media it shows the number alone, and an override can have Twilio forget the text. */
export const isComparable = ({ content: { sms } }: StatusQuery): boolean =>
  sms?.mediaUrls === undefined && sms?.overrides?.twilio?.ContentRetention === undefined;

/**
 * The messages that this attempt may have made, oldest first: to that number, from our sender, with exactly that text, created when
 * Twilio can have accepted the call.
 * @param setup `from` is what it was sent from, a Messaging Service or another sender
 */
export function candidates(
  messages: readonly ListedMessage[],
  { endpoint, content, startedAt }: StatusQuery,
  setup: { from: string; deadlineMs: number },
): ListedMessage[] {
  if (endpoint.channel !== "sms" || content.sms === undefined) return [];
  const { phoneNumber } = endpoint;
  const text = sentText(content.sms);
  const until = startedAt + setup.deadlineMs + ACCEPTED_AFTER_DEADLINE_MS;
  const inTime = (at: number) => at >= startedAt - BEHIND_MS && at <= until;
  return messages
    .filter((m) => m.to === phoneNumber && (m.from === setup.from || m.messagingServiceSid === setup.from) && m.body === text)
    .filter((m) => m.direction === "outbound-api" && m.dateCreated !== undefined && inTime(m.dateCreated.getTime()))
    .sort((a, b) => Number(a.dateCreated) - Number(b.dateCreated));
}

/** Whether older messages than those listed could be candidates too. */
export const mayHaveMore = (messages: readonly ListedMessage[], hasNextPage: boolean, { startedAt }: StatusQuery) =>
  hasNextPage && !messages.some((m) => m.dateCreated !== undefined && m.dateCreated.getTime() < startedAt - BEHIND_MS);

/**
 * A message names no attempt: Twilio shows neither the callback's URL nor any other field of ours. Two messages with the same text to the same number
 * cannot be distinguished, not even by the recipient, so it does not matter which attempt a message counts for, only that none counts for two. Before
 * a twin's answer is recorded, its message could be attributed to this attempt by mistake: hence `isSettled`.
 */
export async function attributed(
  messages: readonly ListedMessage[],
  { attemptId }: StatusQuery,
  { attribute, isSettled }: { attribute: Attribute; isSettled: boolean },
): Promise<Finding> {
  if (messages.length === 0) return ABSENT;
  if (!isSettled) return unreadable("too-early");
  for (const { sid, status } of messages) {
    try {
      if (!(await attribute(sid, attemptId))) continue;
    } catch {
      return unreadable("attribution-unknown");
    }
    return found(sid, UNDER_WAY_OR_DELIVERED.has(status) || !isWord(status) ? undefined : `status: ${status}`);
  }
  return ABSENT;
}
