import type { Delivery, DeliveryState, NotificationRecord } from "../../core/delivery/notification.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { reasonText } from "../../core/delivery/reason.ts";
import type { AttemptOutcome, AttemptRecord } from "../../core/ports/attempt-store.ts";

/** What pages show of a delivery: done, failed, in doubt, merely happened. */
export type Mark = "ok" | "bad" | "doubt" | "";

export interface ShownEvent {
  /** ms since the epoch. */
  at: number;
  title: string;
  /** A sentence, or empty. */
  detail: string;
  mark: Mark;
}

/** A state as every page shows it: one word, one mark, one sentence. */
export interface ShownState {
  word: string;
  mark: Mark | "wait" | "warn";
  sentence: string;
}

export const STATES: Readonly<Record<DeliveryState, ShownState>> = {
  pending: { word: "Waiting", mark: "wait", sentence: "It waits for its next attempt." },
  uncertain: { word: "In doubt", mark: "doubt", sentence: "In doubt: the provider did not answer. It may have arrived." },
  sent: { word: "Sent", mark: "ok", sentence: "The provider accepted it." },
  delivered: { word: "Delivered", mark: "ok", sentence: "The provider confirmed that it arrived." },
  suppressed: { word: "Suppressed", mark: "", sentence: "It was not sent." },
  expired: { word: "Expired", mark: "warn", sentence: "Its time ended before it was sent." },
  cancelled: { word: "Cancelled", mark: "", sentence: "It was cancelled before it was sent." },
  failed: { word: "Failed", mark: "bad", sentence: "It was not sent, or did not arrive." },
};

export function shownState({ state, reason, nextAt }: Delivery): ShownState {
  const shown = STATES[state];
  const next =
    state === "pending" && nextAt !== undefined ? ` It is looked at again at ${new Date(nextAt).toISOString().slice(11, 19)} UTC.` : "";
  const why = reason === undefined ? "" : ` Reason: ${reasonText(reason)}.`;
  return { ...shown, sentence: `${shown.sentence}${why}${next}` };
}

export const acceptance = ({ acceptedAt, app, category }: NotificationRecord): ShownEvent => ({
  ...{ at: acceptedAt, title: "Accepted and stored", detail: `By the gateway, for app ${app}, category ${category}.`, mark: "" },
});

export function attemptEvents({ number, provider, startedAt, answeredAt, outcome, resolution }: AttemptRecord): ShownEvent[] {
  const isVoid = outcome?.kind === "void";
  const begun: ShownEvent = {
    at: startedAt,
    ...(isVoid
      ? { title: `Attempt ${number} not made`, detail: "Its number was used up, so that no old copy of its task can send.", mark: "" }
      : { title: `Attempt ${number} begun`, detail: `By ${provider}.`, mark: "" }),
  };
  const events = [begun];
  if (outcome !== undefined && !isVoid && answeredAt !== undefined)
    events.push({
      at: answeredAt,
      title: `Attempt ${number}: ${outcomeWords(outcome)}`,
      detail: `After ${answeredAt - startedAt} ms.`,
      mark: markOf(outcome),
    });
  if (resolution !== undefined)
    events.push({
      ...{ at: resolution.at, title: `Attempt ${number} resolved: ${outcomeWords(resolution.outcome)}`, mark: markOf(resolution.outcome) },
      detail: resolution.by === "receipt" ? "By a receipt." : "By asking the provider.",
    });
  return events;
}

function outcomeWords(outcome: Exclude<AttemptOutcome, { kind: "void" }>): string {
  switch (outcome.kind) {
    case "accepted":
      return outcome.warning === undefined ? "accepted" : `accepted, with a warning (${outcome.warning})`;
    case "throttled":
      return `throttled (${outcome.reason})`;
    case "unavailable":
      return `not sent, the provider failed (${outcome.fault.code})`;
    case "unanswered":
      return `no answer (${outcome.fault.code})`;
    case "endpoint-gone":
      return `the endpoint is gone (${outcome.reason})`;
    case "rejected":
      return `rejected (${outcome.reason})`;
    case "misconfigured":
      return `misconfigured (${outcome.reason})`;
  }
}

const MARKS: Readonly<Record<Outcome["kind"], Mark>> = {
  ...{
    accepted: "ok",
    throttled: "",
    unavailable: "bad",
    unanswered: "doubt",
    "endpoint-gone": "bad",
    rejected: "bad",
    misconfigured: "bad",
  },
};
const markOf = ({ kind }: Outcome) => MARKS[kind];

/** How it ended, where no attempt's answer says so already. */
export function endEvents({ endedAt, state, reason }: Delivery, attempts: readonly AttemptRecord[]): ShownEvent[] {
  if (endedAt === undefined) return [];
  const answered = attempts.some(({ answeredAt, outcome }) => state === "sent" && outcome?.kind === "accepted" && answeredAt !== undefined);
  if (answered && reason === undefined) return [];
  const { word, mark } = STATES[state];
  const title = state === "delivered" ? "Receipt taken: delivered" : `Ended: ${word.toLowerCase()}`;
  return [
    {
      at: endedAt,
      title,
      detail: reason === undefined ? "" : `Reason: ${reasonText(reason)}.`,
      mark: mark === "ok" || mark === "bad" ? mark : "",
    },
  ];
}
