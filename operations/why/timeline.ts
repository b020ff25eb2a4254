import { accountNameOf, DEFAULT_ACCOUNT } from "../../core/delivery/account.ts";
import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import { type Delivery, expiryOf, type NotificationRecord } from "../../core/delivery/notification.ts";
import { isUnpublished } from "../../core/delivery/outbox-key.ts";
import { type Outcome, reasonOf } from "../../core/delivery/outcome.ts";
import { type ReasonCode, reasonText } from "../../core/delivery/reason.ts";
import { type WaitingFor, waitingFor } from "../../core/delivery/waiting.ts";
import type { AttemptOutcome, AttemptRecord, Resolution } from "../../core/ports/attempt-store.ts";
import { explain } from "./explain.ts";

/** Something that happened to a delivery; `at` in ms since the epoch. */
export interface TimelineEvent {
  at: number;
  words: string;
}

/** What became of a delivery, for people. */
export interface DeliveryStory {
  id: string;
  channel: string;
  /** Masked; absent where the recipient has none on the channel. */
  endpoint?: string | undefined;
  state: Delivery["state"];
  events: TimelineEvent[];
  /** The delivery's reason, as it is now, in words of this delivery. */
  reason?: { code: ReasonCode; detail?: string | undefined; means: string; advice: string } | undefined;
  /** What happens next, and when; absent where it has ended. */
  next?: TimelineEvent | undefined;
}

export interface NotificationStory {
  id: string;
  app: string;
  key: string;
  notificationClass: string;
  category: string;
  acceptedAt: number;
  sendAt: number;
  expiresAt: number;
  deliveries: DeliveryStory[];
}

/** The story of a notification from its record and its attempts, at `now`. Pure. */
export function timelineOf(n: NotificationRecord, attempts: readonly AttemptRecord[], now: number): NotificationStory {
  const made = Map.groupBy(attempts, ({ deliveryId }) => deliveryId);
  return {
    ...{ id: n.id, app: n.app, key: n.idempotencyKey, notificationClass: n.notificationClass, category: n.category },
    ...{ acceptedAt: n.acceptedAt, sendAt: n.sendAt, expiresAt: n.expiresAt },
    deliveries: n.deliveries.map((d) => storyOf(n, d, made.get(d.id) ?? [], now)),
  };
}

function storyOf(n: NotificationRecord, d: Delivery, attempts: readonly AttemptRecord[], now: number): DeliveryStory {
  const events: TimelineEvent[] = [{ at: n.acceptedAt, words: "accepted" }];
  if (n.sendAt > n.acceptedAt) events.push({ at: n.sendAt, words: "scheduled for this moment" });
  for (const attempt of attempts) events.push(...attemptEvents(attempt, now));
  if (d.endedAt !== undefined) events.push({ at: d.endedAt, words: `ended as ${d.state}${d.reason ? `: ${reasonText(d.reason)}` : ""}` });
  return {
    ...{ id: d.id, channel: d.channel, endpoint: d.endpoint && maskEndpoint(d.endpoint), state: d.state },
    events: events.sort((a, b) => a.at - b.at),
    reason: d.reason && { ...d.reason, ...explain(d.reason, d.state) },
    next: nextOf(n, d, attempts.at(-1), now),
  };
}

function attemptEvents(attempt: AttemptRecord, now: number): TimelineEvent[] {
  const { number, provider, account, outcome, answeredAt, resolution, startedAt, deadlineAt } = attempt;
  if (outcome?.kind === "void")
    return [{ at: startedAt, words: `attempt ${number} was given up before a call: ${outcome.state}, ${reasonText(outcome.reason)}` }];
  const by = accountNameOf(attempt) === DEFAULT_ACCOUNT ? provider : `${provider}, account ${account}`;
  const why = attempt.redrive !== undefined ? ", after a redrive" : attempt.policyResend ? ", which repeats one in doubt" : "";
  const events: TimelineEvent[] = [{ at: startedAt, words: `attempt ${number} by ${by}${why}` }];
  if (outcome && answeredAt !== undefined) events.push({ at: answeredAt, words: `attempt ${number}: ${outcomeWords(outcome)}` });
  else if (!outcome && now > deadlineAt)
    events.push({ at: deadlineAt, words: `attempt ${number}: its worker was silent past its deadline` });
  if (resolution) events.push({ at: resolution.at, words: `attempt ${number}: ${resolutionWords(resolution)}` });
  return events;
}

const RESOLVED_BY: Readonly<Record<Resolution["by"], string>> = {
  receipt: "a receipt of the provider",
  "status-query": "a question to the provider",
};
const resolutionWords = ({ by, outcome }: Resolution) => `${RESOLVED_BY[by]} says ${outcomeWords(outcome)}`;

const OUTCOME_WORDS: Readonly<Record<Outcome["kind"], string>> = {
  accepted: "the provider accepted it",
  throttled: "the provider asked to slow down; nothing was sent",
  unavailable: "nothing was sent",
  unanswered: "no usable answer, so it may have been sent",
  "endpoint-gone": "the provider says that the endpoint no longer exists",
  rejected: "the provider rejects it",
  misconfigured: "the provider rejects our credentials or settings; nothing was sent",
};

function outcomeWords(outcome: AttemptOutcome): string {
  if (outcome.kind === "void") return `given up: ${reasonText(outcome.reason)}`;
  const detail = reasonOf(outcome);
  const reference = outcome.kind === "accepted" ? `, reference ${outcome.providerRef}` : "";
  return `${OUTCOME_WORDS[outcome.kind]}${reference}${detail === undefined ? "" : ` (${detail})`}`;
}

/** What then happens, of the waits that a moment ends. */
const AFTER_WAIT: Readonly<Partial<Record<WaitingFor, string>>> = {
  outcome: "the provider is asked again, or what its class does in doubt is decided",
  "send-at": "its time comes, and it is sent",
  "quiet-hours": "the recipient's quiet hours end, and it is sent",
  cap: "the next window of the frequency cap begins, and it is sent",
  paused: "the pause is looked at again; once it has ended, it is sent within seconds",
};

export function nextOf(n: NotificationRecord, d: Delivery, last: AttemptRecord | undefined, now: number): TimelineEvent | undefined {
  const waits = waitingFor(n, d, now);
  if (waits === undefined || d.nextAt === undefined) return undefined;
  const until = `; it expires at ${new Date(expiryOf(n, d)).toISOString()}`;
  const at = d.nextAt;
  const after = AFTER_WAIT[waits];
  if (after) return { at, words: `${after}${until}` };
  if (last && last.number === d.attempt && last.outcome === undefined)
    return { at, words: `the worker that has it must have answered${until}` };
  if (isUnpublished(d)) return { at, words: `${d.reason ? `attempt ${d.attempt} is published` : "its task is published"}${until}` };
  return { at, words: `its task, which waits in the queue of ${d.channel} for attempt ${d.attempt}, is looked after${until}` };
}
