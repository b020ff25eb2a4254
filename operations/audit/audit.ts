import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { type Delivery, type DeliveryState, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import type { ReasonCode } from "../../core/delivery/reason.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";
import { type Break, breaksIn, CHECKS, type CheckName, type Taken } from "./audit-breaks.ts";
import { createHistogram, type Histogram } from "./histogram.ts";
import { UNCERTAIN_ENDS, type UncertainEnd, uncertainEnds } from "./uncertain-ends.ts";

export interface Check {
  promise: string;
  holds: boolean;
  detail: string;
  /** Number of deliveries that break it. */
  broken: number;
  /** Ids of deliveries that break it, at most EXAMPLES_MAX. */
  examples: string[];
}

/** From acceptance, or the scheduled time, to the first attempt of ended deliveries; in ms, at most 1 % too long. */
export interface Waits {
  p50: number | undefined;
  p99: number | undefined;
}

/** How many deliveries have each reason. */
export type ReasonCount = Map<ReasonCode | "none", number>;

export interface Audit {
  notifications: number;
  deliveries: number;
  attempts: number;
  byState: Record<Channel, Partial<Record<DeliveryState, ReasonCount>>>;
  waits: Record<Channel, Waits>;
  open: number;
  ended: number;
  /** Attempts in doubt, by how they were resolved. */
  uncertain: Record<UncertainEnd, number>;
  checks: Check[];
}

export const EXAMPLES_MAX = 20;

export interface AuditInProgress {
  /**
   * Counts these and returns the checks they seem to break, by notification id. If the system was running while they were read, read them
   * again (breaksIn) before reporting a break.
   */
  add(notifications: readonly NotificationRecord[], attempts: readonly AttemptRecord[], taken?: Taken): Map<string, Break[]>;
  /** Counts confirmed breaks. Call it at most once for each delivery and check. */
  report(breaks: Iterable<Break>): void;
  /** How many of the `accepted` ids were counted. */
  readonly found: number;
  result(): Audit;
}

/** Knowledge from outside the store, if available. */
export interface Known {
  /** How often providers accepted each delivery, by delivery id. */
  taken?: Taken | undefined;
  /** Delivery ids that callers received in an answer. */
  accepted?: Iterable<string> | undefined;
}

/** Checks the promises over notifications and attempts in memory, and over what providers accepted if that is known. Pure. */
export function audit(notifications: readonly NotificationRecord[], attempts: readonly AttemptRecord[], known: Known = {}): Audit {
  const accepted = known.accepted && new Set(known.accepted);
  const counting = createAudit({ accepted, witnessed: known.taken !== undefined });
  for (const breaks of counting.add(notifications, attempts, known.taken).values()) counting.report(breaks);
  const there = new Set(notifications.flatMap((n) => n.deliveries.map((d) => d.id)));
  counting.report([...(accepted ?? [])].filter((id) => !there.has(id)).map((id) => ({ check: "kept", id })));
  return counting.result();
}

/** Counts any number of notifications in bounded memory. `witnessed`: add() is given what providers accepted. */
export function createAudit({ accepted, witnessed }: { accepted?: ReadonlySet<string> | undefined; witnessed: boolean }): AuditInProgress {
  const counts = {
    notifications: 0,
    deliveries: 0,
    attempts: 0,
    open: 0,
    ended: 0,
    sent: 0,
    suppressed: 0,
    taken: 0,
    takenOf: 0,
    found: 0,
  };
  const byState = {} as Audit["byState"];
  const waits = Object.fromEntries(CHANNELS.map((c) => [c, createHistogram()])) as Record<Channel, Histogram>;
  const uncertain = Object.fromEntries(UNCERTAIN_ENDS.map((end) => [end, 0])) as Record<UncertainEnd, number>;
  const broken = {} as Record<CheckName, { count: number; examples: string[] }>;
  for (const name of Object.keys(CHECKS) as CheckName[]) broken[name] = { count: 0, examples: [] };

  function count(n: NotificationRecord, d: Delivery, attempts: readonly AttemptRecord[]): void {
    counts.deliveries++;
    counts.attempts += attempts.length;
    counts[isOpen(d.state) ? "open" : "ended"]++;
    if (d.state === "sent" || d.state === "delivered") counts.sent++;
    if (d.state === "suppressed") counts.suppressed++;
    if (accepted?.has(d.id)) counts.found++;
    byState[d.channel] ??= {};
    const reasons = byState[d.channel][d.state] ?? new Map<ReasonCode | "none", number>();
    byState[d.channel][d.state] = reasons;
    const code = d.state === "sent" || isOpen(d.state) ? "none" : (d.reason?.code ?? "none");
    reasons.set(code, (reasons.get(code) ?? 0) + 1);
    for (const end of uncertainEnds(d, attempts)) uncertain[end]++;
    const first = attempts.find((a) => a.number === 1 && a.provider !== "");
    if (first && !isOpen(d.state)) waits[d.channel].add(Math.max(0, first.startedAt - n.sendAt));
  }

  return {
    add(notifications, attempts, taken) {
      const attemptsOf = Map.groupBy(attempts, (a) => a.deliveryId);
      counts.notifications += notifications.length;
      for (const n of notifications) for (const d of n.deliveries) count(n, d, attemptsOf.get(d.id) ?? []);
      for (const times of taken?.values() ?? []) {
        counts.taken += times;
        counts.takenOf++;
      }
      return breaksIn(notifications, attempts, taken);
    },
    report(breaks) {
      for (const { check, id } of breaks) {
        const found = broken[check];
        found.count++;
        if (found.examples.length < EXAMPLES_MAX) found.examples.push(id);
      }
    },
    get found() {
      return counts.found;
    },
    result() {
      const { notifications, deliveries, attempts, open, ended, sent } = counts;
      const details: Partial<Record<CheckName, string>> = {
        ...(accepted ? { kept: `${accepted.size} answered to callers, ${accepted.size - broken.kept.count} found in the store` } : {}),
        owned: `${attempts} attempts`,
        ends: `${deliveries} = ${ended} ended + ${open} open`,
        watched: `${uncertain.open} attempts in doubt are being resolved`,
        ...(witnessed ? { arrived: `${sent} sent, each with a receipt` } : {}),
        once: `${attempts} attempts of ${deliveries} deliveries`,
        proven: `${sent} sent`,
        ...(witnessed ? { takenOnce: `${counts.taken} accepted by providers, of ${counts.takenOf} deliveries` } : {}),
        ...(witnessed ? { obeyed: `${counts.suppressed} suppressed, none of them at a provider` } : {}),
      };
      const checks = (Object.keys(details) as CheckName[]).map((name): Check => {
        const { count, examples } = broken[name];
        return { promise: CHECKS[name], holds: count === 0, detail: details[name]!, broken: count, examples };
      });
      const percentiles = Object.fromEntries(
        CHANNELS.map((c) => [c, { p50: waits[c].percentile(0.5), p99: waits[c].percentile(0.99) }]),
      ) as Audit["waits"];
      return { notifications, deliveries, attempts, byState, waits: percentiles, open, ended, uncertain, checks };
    },
  };
}
