import type { Learned, LearnedKind } from "../../core/preferences/learned.ts";
import type { Fields } from "../transport/webhook.ts";

/** Reasons of a rejection (messages/send: reject_reason) and of an entry of the denylist (rejects/list) that are about the recipient for good. */
export const MANDRILL_LEARNED: ReadonlyMap<string, LearnedKind> = new Map([
  ["hard-bounce", "bounce"],
  ["spam", "complaint"],
  ["unsub", "unsubscribe"],
]);

/** Enhanced status code (RFC 3463) in the server's answer; not a part of an address as 192.5.1.1. */
const STATUS = /(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)/;

/** What an event says of the recipient; undefined: nothing that lasts. */
export function learnedFrom(event: unknown, message: Fields): Learned | undefined {
  switch (event) {
    case "spam":
      return { kind: "complaint", reason: "spam" };
    case "unsub":
      return { kind: "unsubscribe", reason: "unsub" };
    case "hard_bounce":
      return { kind: "bounce", reason: textOf(message.diag) || textOf(message.bounce_description) || "hard_bounce" };
    case "reject": {
      const why = rejectReason(message);
      const kind = MANDRILL_LEARNED.get(why);
      return kind && { kind, reason: why };
    }
    default:
      return undefined;
  }
}

/** The code that the delivery keeps: the server's own, Mandrill's word, or the event's name. */
export function reasonOf(event: unknown, message: Fields): unknown {
  if (event === "reject") return rejectReason(message) || event;
  if (event !== "hard_bounce" && event !== "soft_bounce") return event;
  return STATUS.exec(textOf(message.diag))?.[0] ?? (textOf(message.bounce_description) || event);
}

/** The reject_reason, which is documented for messages/info and messages/send; webhooks hold the same message. */
const rejectReason = (message: Fields) => textOf(message.reject_reason).replaceAll("_", "-");

const textOf = (value: unknown) => (typeof value === "string" ? value.slice(0, 1_024) : "");
