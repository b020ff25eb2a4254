import type { Finding, LookUpQuestion } from "../../../core/ports/provider.ts";
import { isWord } from "../../transport/foreign.ts";
import { ABSENT, found, unreadable } from "../../transport/look-up.ts";

/**
 * Whose a message of the provider's is. Resolves to true where no other attempt has this reference, and from then on it is this attempt's; to
 * false where another has it. To be decided in one place for all processes.
 */
export type Attribute = (providerRef: string, attemptId: string) => Promise<boolean>;

/** Messages read of one number and sender, newest first; nobody gets that many texts of ours within minutes. */
export const MESSAGES_READ = 50;
/** How far Twilio's clock may be behind ours, in ms, and a second because its times are whole seconds. */
const BEHIND_MS = 6_000;
/** How long after its claim a call may have been taken, in ms: its deadline, the way to it, and the clock ahead of ours. */
const TAKEN_AFTER_DEADLINE_MS = 20_000;

/** What we read of Twilio's Message resource. */
export interface ListedMessage {
  sid: string;
  body: string;
  to: string;
  from: string;
  direction: string;
  status: string;
  dateCreated: Date | undefined;
}

/** States of a text under way or arrived: nothing to warn of. */
const WELL = new Set(["accepted", "scheduled", "queued", "sending", "sent", "delivered", "read"]);

/**
 * The messages that this attempt may have made, oldest first: to that number, from our sender, with exactly that text, created when the call
 * can have been taken.
 */
export function candidates(
  messages: readonly ListedMessage[],
  { endpoint, content, startedAt }: LookUpQuestion,
  setup: { from: string; deadlineMs: number },
): ListedMessage[] {
  if (endpoint.channel !== "sms") return [];
  const until = startedAt + setup.deadlineMs + TAKEN_AFTER_DEADLINE_MS;
  const inTime = (at: number) => at >= startedAt - BEHIND_MS && at <= until;
  return messages
    .filter((m) => m.to === endpoint.phoneNumber && m.from === setup.from && m.body === content.sms?.text)
    .filter((m) => m.direction === "outbound-api" && m.dateCreated !== undefined && inTime(m.dateCreated.getTime()))
    .sort((a, b) => Number(a.dateCreated) - Number(b.dateCreated));
}

/** Whether older messages than those listed could be candidates too. */
export const mayHaveMore = (messages: readonly ListedMessage[], hasNextPage: boolean, { startedAt }: LookUpQuestion) =>
  hasNextPage && !messages.some((m) => m.dateCreated !== undefined && m.dateCreated.getTime() < startedAt - BEHIND_MS);

/**
 * A message names no attempt: Twilio shows neither the callback's URL nor anything else that is ours. Texts that are the same to the same number
 * cannot be told apart, not by the recipient either, so the question is not whose a message is but that none counts for two attempts. Without
 * somebody to decide that, a message that may be another attempt's is no answer.
 */
export async function attributed(
  messages: readonly ListedMessage[],
  attemptId: string,
  attribute: Attribute | undefined,
): Promise<Finding> {
  if (messages.length === 0) return ABSENT;
  if (attribute === undefined) return unreadable("not-attributable");
  for (const { sid, status } of messages) {
    try {
      if (!(await attribute(sid, attemptId))) continue;
    } catch {
      return unreadable("attribution-unknown");
    }
    return found(sid, WELL.has(status) || !isWord(status) ? undefined : `status: ${status}`);
  }
  return ABSENT;
}
