import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { type Reason, type ReasonCode, reason, reasonText } from "../../core/delivery/reason.ts";
import { STATES } from "../../operations/why/events.ts";
import { explain } from "../../operations/why/explain.ts";
import type { State, Why } from "../view.ts";
import { freeText, type Somebody } from "./sight.ts";

export { CHANNEL_NAMES } from "../client/channel-names.ts";

export const stateOf = ({ state }: Pick<Delivery, "state">): State => ({ word: STATES[state].word, mark: STATES[state].mark });

/** A detail is written by providers, apps and people, and may name somebody. */
export const shownReason = ({ code, detail }: Reason, about?: Somebody): Reason => reason(code, detail && freeText(detail, about));

/** Why a delivery is in its state. */
export function whyOf(n: Pick<NotificationRecord, "sendAt">, d: Delivery, now: number): Why {
  if (d.reason !== undefined) {
    const about = { userId: "", endpoints: d.endpoint === undefined ? [] : [d.endpoint] };
    const shown = shownReason(d.reason, about);
    return { words: explain(shown, d.state).means, tag: reasonText(shown) };
  }
  if (d.state === "pending")
    return {
      words: n.sendAt > now ? "It is scheduled for later." : "Nothing failed: its turn has not come, or it is being sent.",
      tag: "",
    };
  return { words: STATES[d.state].sentence, tag: "" };
}

/** What a person or the recipient chose, not a failure. */
const CHOSEN: readonly ReasonCode[] = ["paused", "quiet-hours", "cap"];

/** Whether a delivery with this reason waits for another attempt. */
export const isTriedAgain = (code: ReasonCode): boolean => !CHOSEN.includes(code);
