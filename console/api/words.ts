import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { type ReasonCode, reasonText } from "../../core/delivery/reason.ts";
import { REASON_WORDS } from "../../core/delivery/reason-words.ts";
import { STATES } from "../../operations/why/events.ts";
import { plainWords } from "../../operations/why/plain-words.ts";
import type { State, Why } from "../view.ts";
import { freeText } from "./sight.ts";

export { CHANNEL_NAMES } from "../client/channel-names.ts";

export const stateOf = ({ state }: Pick<Delivery, "state">): State => ({ word: STATES[state].word, mark: STATES[state].mark });

/** Why a delivery is in its state. */
export function whyOf(n: Pick<NotificationRecord, "sendAt">, d: Delivery, now: number): Why {
  if (d.reason !== undefined) {
    const about = { userId: "", endpoints: d.endpoint === undefined ? [] : [d.endpoint] };
    return { words: meaningOf(d), tag: freeText(reasonText(d.reason), about) };
  }
  if (d.state === "pending")
    return {
      words: n.sendAt > now ? "It is scheduled for later." : "Nothing failed: its turn has not come, or it is being sent.",
      tag: "",
    };
  return { words: STATES[d.state].sentence, tag: "" };
}

/** Why a delivery waits, in one sentence; none: no attempt has failed. */
export function waitingWords(code: ReasonCode | "none"): string {
  if (code === "none") return "Nothing failed: scheduled, queued, or being sent";
  const means = plainWords(REASON_WORDS[code].means);
  const [, pending] = /Pending: (.*?)(?: (?:Expired|Failed): |$)/.exec(means) ?? [];
  const words = (pending ?? means).split(/\. /)[0] ?? "";
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1).replace(/\.$/, "")}`;
}

/** What a person or the recipient chose, not a failure. */
const CHOSEN: readonly ReasonCode[] = ["paused", "quiet-hours", "cap"];

/** Whether a delivery with this reason waits for another attempt. */
export const isTriedAgain = (code: ReasonCode): boolean => !CHOSEN.includes(code);

/** A reason that means one thing while it waits and another one at its end says "Pending: …. Expired: …."; of these, what applies. */
function meaningOf({ state, reason }: Delivery): string {
  const words = reason ? plainWords(REASON_WORDS[reason.code].means) : "";
  const parts = words.split(/\b(Pending|Expired|Failed): /);
  if (parts.length === 1) return words;
  const at = parts.findIndex((part) => part.toLowerCase() === state);
  const own = at < 0 ? "" : (parts[at + 1] ?? "");
  return `${parts[0]} ${own.slice(0, 1).toUpperCase()}${own.slice(1)}`.trim();
}
