import type { Learned, LearnedKind } from "../../core/preferences/learned.ts";
import type { Fields } from "../transport/webhook.ts";

/** Enhanced status code (RFC 3463), which SendGrid may write before or instead of the answer. */
const STATUS = /^[245]\.\d{1,3}\.\d{1,3}$/;
/**
 * "Bounce and block classifications": these say nothing against the address. SendGrid classifies asynchronous bounces, too, whose type is "bounce"
 * whatever the cause.
 */
const NOT_THE_ADDRESS: readonly unknown[] = [
  "Content",
  "Reputation",
  "Frequency or Volume Too High",
  "Technical",
  "Technical Failure",
  "Mailbox Unavailable",
];

/** "Drops": SendGrid did not send it, because of what it keeps of the address. */
const DROPPED: ReadonlyMap<string, LearnedKind> = new Map([
  ["Bounced Address", "bounce"],
  ["Invalid", "bounce"],
  ["Spam Reporting Address", "complaint"],
  ["Unsubscribed Address", "unsubscribe"],
]);

/** What an event says of the recipient; undefined: nothing that lasts. */
export function learnedFrom(event: Fields): Learned | undefined {
  const reason = textOf(event.reason);
  switch (event.event) {
    case "spamreport":
      return { kind: "complaint", reason: "spamreport" };
    case "unsubscribe":
    case "group_unsubscribe":
      return { kind: "unsubscribe", reason: event.event };
    case "dropped": {
      const kind = DROPPED.get(reason);
      return kind && { kind, reason };
    }
    case "bounce":
      return isHard(event) ? { kind: "bounce", reason: reason || textOf(event.status) || "bounce" } : undefined;
    default:
      return undefined;
  }
}

/** The code that the delivery keeps: the server's own where there is one. A "blocked" one says nothing against the address. */
export function reasonOf(event: Fields): unknown {
  if (event.event !== "bounce") return event.event;
  if (event.type === "blocked") return "blocked";
  return STATUS.test(textOf(event.status)) ? event.status : "bounce";
}

function isHard(event: Fields): boolean {
  if (event.type === "blocked" || NOT_THE_ADDRESS.includes(event.bounce_classification)) return false;
  const status = textOf(event.status);
  // 5.7: the mail was refused for what it is or where it comes from.
  return !STATUS.test(status) || (status.startsWith("5.") && !status.startsWith("5.7."));
}

const textOf = (value: unknown) => (typeof value === "string" ? value : "");
