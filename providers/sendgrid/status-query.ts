import type { Finding, StatusQuery } from "../../core/ports/provider.ts";
import { fieldOf, isWord, textFieldsOf } from "../transport/foreign.ts";
import { ABSENT, found, unreadable } from "../transport/status-query.ts";

/** SendGrid: "Email Activity Feed API" (six requests a minute), for the whole account. */
export const ACTIVITY_BUDGET = { calls: 6, periodMs: 60_000 };
/** There is one message for an attempt; more are asked for only to notice a filter that did not filter. */
const MESSAGES_MAX = 10;

/** custom_args of a v3 mail are its unique_args; our ids need no escaping within the quotes. */
export const buildActivityPath = ({ attemptId }: StatusQuery) =>
  `/v3/messages?query=${encodeURIComponent(`unique_args['carillon_attempt']="${attemptId}"`)}&limit=${MESSAGES_MAX}`;

/**
 * What the activity feed says about the attempt. It filters by our own id but does not show it. A result that does not fit the one mail we sent
 * under that id (another recipient, several messages) means that the filter was not applied, and is no answer.
 */
export function readActivity(body: unknown, { endpoint }: StatusQuery): Finding {
  const messages = fieldOf(body, "messages");
  if (!Array.isArray(messages)) return unreadable("bad-response");
  if (messages.length === 0) return ABSENT;
  const address = endpoint.channel === "email" ? endpoint.address.toLowerCase() : "";
  const refs = new Set<string>();
  for (const message of messages) {
    const field = textFieldsOf(message);
    // Events and messages are named by X-Message-Id and a suffix.
    const ref = field("msg_id").split(".")[0] ?? "";
    if (field("to_email").toLowerCase() !== address || ref === "") return unreadable("bad-response");
    refs.add(ref);
  }
  const [ref, another] = refs;
  if (ref === undefined || another !== undefined) return unreadable("bad-response");
  const status = textFieldsOf(messages[0])("status");
  return found(ref, status === "processed" || status === "delivered" || !isWord(status) ? undefined : `status: ${status}`);
}
