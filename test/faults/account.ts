// What became of everything that was accepted in a row: the store's word against the ledger's.
import { setTimeout as delay } from "node:timers/promises";
import type { NotificationClass } from "../../core/delivery/channel.ts";
import { isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import { reasonText } from "../../core/delivery/reason.ts";
import { type AttemptRecord, attemptId } from "../../core/ports/attempt-store.ts";
import type { Item, Load } from "./load.ts";
import type { World } from "./world.ts";

export interface Account {
  /** Deliveries accepted. */
  accepted: number;
  /** Sent, and taken by a provider exactly once. */
  sentOnce: number;
  /** Some attempt's outcome was not known when it ended, and how it was resolved. */
  uncertain: { total: number; receipt: number; statusQuery: number; resent: number; givenUp: number };
  suppressed: number;
  expired: number;
  /** By reason; those given up as unknown are above. */
  failed: Record<string, number>;
  /** Ids with why: promise 1 or 2 is broken. */
  lost: string[];
  /** Ids that providers took more often than one plus the resends recorded: promise 3. */
  twice: string[];
  /** Ids that providers took later than the published bound after an opt-out: promise 4. Not of the class critical. */
  afterOptOut: string[];
  /** The same of critical ones, which go out where preferences cannot be read. */
  criticalAfterOptOut: string[];
  /** Taken more than once, as a policy's resend says. */
  repeatedByPolicy: number;
  /** Between two acceptances by any provider while there was load, ms. */
  longestGapMs: number;
  /** From the fault's end until all had ended, ms; undefined: some never did. */
  recoveredMs: number | undefined;
}

/** Published (promise 4), and what two processes and this witness may need to hear of each other's moments. */
const OPT_OUT_BOUND_MS = 5_000;
const OPT_OUT_TOLERANCE_MS = 500;
const LOOK_EVERY_MS = 250;
const FINDS_AT_ONCE = 25;

/** The fields the feedback of providers adds; records written before there was any have none. */
type Attempt = AttemptRecord & {
  policyResend?: boolean | undefined;
  resend?: "policy" | "operator" | undefined;
  resolution?: { outcome?: { kind: string }; by?: string; at?: number } | undefined;
};

export interface Ending {
  records: Map<string, NotificationRecord>;
  /** When the last one ended, ms since the epoch; undefined: not all did. */
  at: number | undefined;
}

/** Waits until every accepted item has ended, or gives up. */
export async function untilEnded({ store }: World, items: readonly Item[], withinMs: number): Promise<Ending> {
  const records = new Map<string, NotificationRecord>();
  const giveUpAt = performance.now() + withinMs;
  let open = items.flatMap((i) => (i.accepted ? [i.accepted.notificationId] : []));
  for (;;) {
    const still: string[] = [];
    for (let at = 0; at < open.length; at += FINDS_AT_ONCE)
      await Promise.all(
        open.slice(at, at + FINDS_AT_ONCE).map(async (id) => {
          const record = await store.notifications.find(id).catch(() => undefined);
          if (record) records.set(id, record);
          if (record === undefined || record.deliveries.some((d) => isOpen(d.state))) still.push(id);
        }),
      );
    if (still.length === 0) return { records, at: Date.now() };
    if (performance.now() > giveUpAt) return { records, at: undefined };
    open = still;
    await delay(LOOK_EVERY_MS);
  }
}

export interface Moments {
  /** ms since the epoch. */
  stoppedAt: number;
  faultEndedAt: number;
  /** Providers whose line held bytes back in this row. */
  slowed: ReadonlySet<string>;
}

export async function account(world: World, load: Load, { records, at }: Ending, moments: Moments): Promise<Account> {
  const { stoppedAt, faultEndedAt } = moments;
  const attempts = await attemptsOf(world, records.values());
  const late = lateSends(world, load, attempts, moments.slowed);
  const taken = world.sandbox.ledger.acceptances();
  const result: Account = {
    ...{ accepted: 0, sentOnce: 0, suppressed: 0, expired: 0, repeatedByPolicy: 0, failed: {}, lost: [], twice: [] },
    uncertain: { total: 0, receipt: 0, statusQuery: 0, resent: 0, givenUp: 0 },
    afterOptOut: late.filter((send) => send.notificationClass !== "critical").map(tellLate),
    criticalAfterOptOut: late.filter((send) => send.notificationClass === "critical").map(tellLate),
    longestGapMs: longestGap(world, load.startedAt, stoppedAt),
    recoveredMs: at === undefined ? undefined : Math.max(0, at - faultEndedAt),
  };
  for (const { accepted } of load.items) {
    if (accepted === undefined) continue;
    const record = records.get(accepted.notificationId);
    for (const id of accepted.deliveryIds) {
      result.accepted++;
      const d = record?.deliveries.find((one) => one.id === id);
      const made = attempts.get(id) ?? [];
      const times = taken.get(id) ?? 0;
      const resends = made.filter((a) => a.policyResend || a.resend !== undefined).length;
      if (times > 1 + resends) result.twice.push(`${id} taken ${times} times, ${resends} resends: ${tellAttempts(made)}`);
      else if (times > 1) result.repeatedByPolicy++;
      if (d === undefined) {
        result.lost.push(`${id} accepted and not in the store`);
        continue;
      }
      // A receipt that came before its answer resolved nothing.
      const unknown = made.find((a) => a.outcome === undefined || a.outcome.kind === "unanswered");
      if (unknown) {
        result.uncertain.total++;
        const { by } = unknown.resolution ?? {};
        if (by === "receipt") result.uncertain.receipt++;
        else if (by !== undefined) result.uncertain.statusQuery++;
        else if (resends > 0) result.uncertain.resent++;
        else if (!isOpen(d.state)) result.uncertain.givenUp++;
      }
      if (isOpen(d.state)) {
        const due = d.nextAt === undefined ? "never" : `in ${d.nextAt - Date.now()} ms`;
        result.lost.push(
          `${id} ${d.channel} still ${d.state}, attempt ${d.attempt}.${d.publishCount}, next look ${due}: ${tellAttempts(made)}`,
        );
      } else if (d.state === "sent" || d.state === "delivered") {
        if (times === 1) result.sentOnce++;
        if (times === 0) result.lost.push(`${id} ${d.channel} said to be ${d.state}, and no provider took it: ${tellAttempts(made)}`);
      } else if (d.state === "suppressed") result.suppressed++;
      else if (d.state === "expired") result.expired++;
      else if (d.reason?.code !== "outcome-unknown") {
        const reason = `${d.state}: ${d.reason ? reasonText(d.reason) : ""}`;
        result.failed[reason] = (result.failed[reason] ?? 0) + 1;
      }
    }
  }
  return result;
}

const tellAttempts = (made: readonly Attempt[]) =>
  made
    .map(
      (a) =>
        `#${a.number} ${a.provider || "nobody"} by ${a.worker} from ${new Date(a.startedAt).toISOString()}: ${a.outcome?.kind ?? "no answer yet"}${a.resend || a.policyResend ? ", a resend" : ""}`,
    )
    .join("; ") || "no attempt";

async function attemptsOf({ store }: World, records: Iterable<NotificationRecord>): Promise<Map<string, Attempt[]>> {
  const ids = [...records].flatMap((n) => n.deliveries.flatMap((d) => Array.from({ length: d.attempt }, (_, i) => attemptId(d.id, i + 1))));
  const found: Attempt[] = [];
  const CHUNK = 200;
  for (let at = 0; at < ids.length; at += CHUNK) found.push(...(await store.attempts.find(ids.slice(at, at + CHUNK))));
  return Map.groupBy(found, (a) => a.deliveryId);
}

interface LateSend {
  deliveryId: string;
  provider: string;
  notificationClass: NotificationClass;
  afterMs: number;
}
const tellLate = ({ deliveryId, provider, notificationClass, afterMs }: LateSend) =>
  `${deliveryId} ${provider} ${notificationClass}, ${afterMs} ms after the opt-out`;

/** What providers took after the bound, of people who had opted out by then. */
function lateSends(
  { sandbox }: World,
  { items, startedAt }: Load,
  attempts: ReadonlyMap<string, Attempt[]>,
  slowed: ReadonlySet<string>,
): LateSend[] {
  const entries = Map.groupBy(sandbox.ledger.entries({ since: startedAt, accepted: true }), (e) => e.deliveryId);
  return items.flatMap(({ person, accepted, notificationClass }) => {
    const optedOutAt = person?.optedOutAt;
    if (optedOutAt === undefined) return [];
    const bound = optedOutAt + OPT_OUT_BOUND_MS + OPT_OUT_TOLERANCE_MS;
    return (accepted?.deliveryIds ?? []).flatMap((deliveryId) =>
      (entries.get(deliveryId) ?? []).flatMap(({ provider, receivedAt }) => {
        // What is on a slow line when the person opts out cannot be called back. Its claim is older than its first byte.
        const begun = (attempts.get(deliveryId) ?? []).filter((a) => a.provider === provider && a.startedAt <= receivedAt);
        const onTheWay = slowed.has(provider) && begun.length > 0;
        const at = onTheWay ? Math.max(...begun.map((a) => a.startedAt)) : receivedAt;
        return at > bound ? [{ deliveryId, provider, notificationClass, afterMs: at - optedOutAt }] : [];
      }),
    );
  });
}

function longestGap({ sandbox }: World, from: number, to: number): number {
  const moments = sandbox.ledger
    .entries({ since: from, accepted: true })
    .map((e) => e.receivedAt)
    .filter((at) => at <= to);
  let longest = 0;
  for (const [i, at] of [...moments, to].entries()) longest = Math.max(longest, at - (moments[i - 1] ?? from));
  return longest;
}
