import type { DeliveryState } from "../../core/delivery/notification.ts";
import { faultIn, type Reason } from "../../core/delivery/reason.ts";
import { REASON_WORDS, withDetail } from "../../core/delivery/reason-words.ts";

/** A reason in plain text, for a delivery in its state. */
export interface Explained {
  means: string;
  /** What to do about it. */
  advice: string;
}

const LABELS: Readonly<Partial<Record<DeliveryState, string>>> = {
  ...{ pending: "Pending", uncertain: "In doubt", expired: "Expired", failed: "Failed", suppressed: "Suppressed" },
};

/** What REASON_WORDS says of this state, with the detail in its place. */
export function explain({ code, detail }: Reason, state: DeliveryState): Explained {
  const { means, advice } = REASON_WORDS[code];
  const words = (text: string) => plain(withDetail(partOf(text, state), detail && faultIn(detail)));
  return { means: words(means), advice: words(advice) };
}

/** Why a delivery waits, in one sentence without its full stop. */
export const waitingWords = (reason: Reason): string =>
  firstSentence(explain(reason, "pending").means).replace(/(?: \([^)]*\))?\.? ?$/, "");

export const firstSentence = (text: string): string => text.split(/(?<=\.) /)[0] ?? "";

/** What holds in every state, and what holds in this one alone. */
function partOf(text: string, state: DeliveryState): string {
  const parts = text.split(/\b(Pending|In doubt|Expired|Failed|Suppressed): /);
  const at = parts.indexOf(LABELS[state] ?? "", 1);
  const own = at < 0 ? "" : (parts[at + 1] ?? "");
  return `${parts[0]}${own.slice(0, 1).toUpperCase()}${own.slice(1)}`.trim();
}

/** A text without its Markdown. */
const plain = (markdown: string): string => markdown.replace(/`|\[([^\]]*)\]\([^)]*\)/g, "$1");
