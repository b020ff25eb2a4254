import type { Channel } from "./channel.ts";
import { type DeliveryState, END_STATES, isOpen, type NotificationRecord } from "./notification.ts";
import type { AttemptRecord } from "./ports/attempt-store.ts";

/** What else is known, where somebody kept it. */
export interface Known {
  /** How often providers took each delivery, by delivery id. */
  taken?: ReadonlyMap<string, number>;
  /** Delivery ids that callers were told of. */
  accepted?: readonly string[];
}

export interface Check {
  promise: string;
  holds: boolean;
  detail: string;
  /** Ids of what broke it, at most 20. */
  examples: string[];
}

export interface Audit {
  notifications: number;
  deliveries: number;
  byState: Record<Channel, Partial<Record<DeliveryState, Map<string, number>>>>;
  open: number;
  ended: number;
  checks: Check[];
}

const EXAMPLES_MAX = 20;
/** Attempt outcomes after which the provider may hold the message. */
const MAY_BE_SENT = new Set(["accepted", "unanswered"]);

/**
 * Counts the promises over everything stored, and over what the providers took where that is known. Pure.
 */
export function audit(notifications: readonly NotificationRecord[], attempts: readonly AttemptRecord[], known: Known = {}): Audit {
  const deliveries = notifications.flatMap((n) => n.deliveries);
  const byId = new Map(deliveries.map((d) => [d.id, d]));
  const byState = {} as Audit["byState"];
  for (const d of deliveries) {
    byState[d.channel] ??= {};
    const reasons = byState[d.channel][d.state] ?? new Map<string, number>();
    byState[d.channel][d.state] = reasons;
    // Only the kind of a failure: what follows the colon is the provider's.
    const reason = d.state === "sent" || isOpen(d.state) ? "" : (d.reason ?? "");
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const open = deliveries.filter((d) => isOpen(d.state));
  const ended = deliveries.filter((d) => (END_STATES as readonly string[]).includes(d.state));
  const attemptsOf = Map.groupBy(attempts, (a) => a.deliveryId);
  const checks: Check[] = [];
  const check = (promise: string, broken: readonly string[], detail: string) =>
    checks.push({ promise, holds: broken.length === 0, detail, examples: broken.slice(0, EXAMPLES_MAX) });

  // 2. Every accepted notification ends; until then somebody looks at it again.
  const limbo = [...open.filter((d) => d.nextAt === undefined), ...ended.filter((d) => d.nextAt !== undefined || d.endedAt === undefined)];
  const uncounted = open.length + ended.length === deliveries.length ? [] : ["the sum"];
  check(
    "2 accepted = ends + open",
    [...limbo.map((d) => d.id), ...uncounted],
    `${deliveries.length} = ${ended.length} ended + ${open.length} open`,
  );
  if (known.accepted) {
    const lost = known.accepted.filter((id) => !byId.has(id));
    check(
      "1 accepted is kept",
      lost,
      `${known.accepted.length} answered to callers, ${known.accepted.length - lost.length} found in the store`,
    );
  }

  // 3. At most one call per delivery whose outcome is not known to be "not sent"; one more where the class's policy repeats the unknown.
  const resent = deliveries.filter((d) => {
    const made = attemptsOf.get(d.id) ?? [];
    const maybe = made.filter((a) => a.outcome === undefined || MAY_BE_SENT.has(a.outcome.kind));
    return maybe.filter((a) => !a.policyResend).length > 1 || maybe.length > 2;
  });
  check(
    "3 no second send (attempts)",
    resent.map((d) => d.id),
    `${attempts.length} attempts of ${attemptsOf.size} deliveries`,
  );
  const unproven = deliveries.filter(
    (d) => d.state === "sent" && !(attemptsOf.get(d.id) ?? []).some((a) => a.outcome && MAY_BE_SENT.has(a.outcome.kind)),
  );
  check(
    "3 sent has its attempt",
    unproven.map((d) => d.id),
    `${deliveries.filter((d) => d.state === "sent").length} sent`,
  );

  const { taken } = known;
  if (taken) {
    const doubled = [...taken].filter(([id, times]) => times > 1 + ((attemptsOf.get(id) ?? []).some((a) => a.policyResend) ? 1 : 0));
    const unknown = [...taken.keys()].filter((id) => !byId.has(id));
    check(
      "3 no second send (providers)",
      [...doubled.map(([id]) => id), ...unknown],
      `${[...taken.values()].reduce((a, b) => a + b, 0)} taken by providers, of ${taken.size} deliveries`,
    );
    const missing = deliveries.filter((d) => d.state === "sent" && !taken.has(d.id));
    check(
      "2 sent has arrived",
      missing.map((d) => d.id),
      `${deliveries.filter((d) => d.state === "sent").length} sent, each with a receipt`,
    );
    const refused = deliveries.filter(
      (d) => (d.state === "suppressed" || d.state === "expired") && taken.has(d.id) && !mayHaveGoneBefore(attemptsOf.get(d.id)),
    );
    check(
      "4 a refusal is obeyed",
      refused.map((d) => d.id),
      `${deliveries.filter((d) => d.state === "suppressed").length} suppressed, none of them at a provider`,
    );
  }
  return { notifications: notifications.length, deliveries: deliveries.length, byState, open: open.length, ended: ended.length, checks };
}

/** A critical delivery whose first attempt's outcome stayed unknown may end otherwise, and still have arrived. */
const mayHaveGoneBefore = (attempts: readonly AttemptRecord[] | undefined) =>
  (attempts ?? []).some((a) => a.outcome?.kind === "unanswered");
