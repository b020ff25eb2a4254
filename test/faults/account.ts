// Compares everything accepted in a row with the store and the ledger.
import type { NotificationClass } from "../../core/delivery/channel.ts";
import { isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import { reasonText } from "../../core/delivery/reason.ts";
import { type AttemptRecord, attemptId } from "../../core/ports/attempt-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Item, Load } from "./load.ts";
import type { World } from "./world.ts";

export interface Account {
  /** Deliveries accepted. */
  accepted: number;
  /** Sent, and accepted by a provider exactly once. */
  sentOnce: number;
  /** Deliveries with an attempt in doubt, and how it was resolved. */
  uncertain: { total: number; receipt: number; statusQuery: number; resent: number; givenUp: number };
  suppressed: number;
  expired: number;
  /** By reason; those with an unknown outcome are counted above. */
  failed: Record<string, number>;
  /** Ids and reasons: promise 1 or 2 is broken. */
  lost: string[];
  /** Still open, where the machine was too slow to tell whether they end. */
  open: string[];
  /** Ids that providers accepted more often than once plus the recorded resends: promise 3. */
  twice: string[];
  /** Ids accepted later than the published bound after an opt-out: promise 4. Without the class critical. */
  afterOptOut: string[];
  /** The same for critical ones, which are sent when preferences are unavailable. */
  criticalAfterOptOut: string[];
  /** Accepted more than once because of a policy's resend. */
  repeatedByPolicy: number;
  /** Longest time between two acceptances by any provider under load, ms. */
  longestGapMs: number;
  /** From the fault's end until all deliveries had ended, ms; undefined: some never did. */
  recoveredMs: number | undefined;
}

/** The published bound (promise 4), and a tolerance for the delays between two processes and this one. */
const OPT_OUT_BOUND_MS = 5_000;
const OPT_OUT_TOLERANCE_MS = 500;
const POLL_MS = 250;
const CONCURRENT_FINDS = 25;

/** The fields the feedback of providers adds; records written before there was any have none. */
type Attempt = AttemptRecord & {
  policyResend?: boolean | undefined;
  resend?: "policy" | "operator" | undefined;
  resolution?: { outcome?: { kind: string }; by?: string; at?: number } | undefined;
};

export interface Ending {
  records: Map<string, NotificationRecord>;
  /** When the last delivery ended, ms since the epoch; undefined: not all did. */
  at: number | undefined;
  /** Not all did, but they were still ending, one after the other: the machine is too slow for the row. */
  tooSlow: boolean;
}

/** How often `withinMs` the wait takes at most. */
const PATIENCE = 4;

/** Waits until every accepted item has ended. Gives up once none has ended for `withinMs`: a slow machine makes progress, a lost delivery none. */
export async function untilEnded(
  { store }: Pick<World, "store">,
  items: readonly Pick<Item, "accepted">[],
  withinMs: number,
  clock: Pick<Clock, "now" | "monotonic" | "sleep"> = systemClock,
): Promise<Ending> {
  const records = new Map<string, NotificationRecord>();
  const began = clock.monotonic();
  let progressAt = began;
  let open = items.flatMap((i) => (i.accepted ? [i.accepted.notificationId] : []));
  for (;;) {
    const still: string[] = [];
    for (let at = 0; at < open.length; at += CONCURRENT_FINDS)
      await Promise.all(
        open.slice(at, at + CONCURRENT_FINDS).map(async (id) => {
          const record = await store.notifications.find(id).catch(() => undefined);
          if (record) records.set(id, record);
          if (record === undefined || record.deliveries.some((d) => isOpen(d.state))) still.push(id);
        }),
      );
    const now = clock.monotonic();
    if (still.length === 0) return { records, at: clock.now(), tooSlow: false };
    if (still.length < open.length) progressAt = now;
    if (now - progressAt > withinMs) return { records, at: undefined, tooSlow: false };
    if (now - began > PATIENCE * withinMs) return { records, at: undefined, tooSlow: true };
    open = still;
    await clock.sleep(POLL_MS);
  }
}

export interface Moments {
  /** ms since the epoch. */
  stoppedAt: number;
  faultEndedAt: number;
  /** Providers whose line delayed bytes in this row. */
  slowed: ReadonlySet<string>;
}

export async function account(world: World, load: Load, { records, at, tooSlow }: Ending, moments: Moments): Promise<Account> {
  const { stoppedAt, faultEndedAt } = moments;
  const attempts = await attemptsOf(world, records.values());
  const late = lateSends(world, load, attempts, moments.slowed);
  const taken = world.sandbox.ledger.acceptances();
  const result: Account = {
    ...{ accepted: 0, sentOnce: 0, suppressed: 0, expired: 0, repeatedByPolicy: 0, failed: {}, lost: [], open: [], twice: [] },
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
      if (times > 1 + resends) result.twice.push(`${id} accepted ${times} times, ${resends} resends: ${describeAttempts(made)}`);
      else if (times > 1) result.repeatedByPolicy++;
      if (d === undefined) {
        result.lost.push(`${id} accepted and not in the store`);
        continue;
      }
      // A receipt that arrived before the answer resolved nothing.
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
        (tooSlow ? result.open : result.lost).push(
          `${id} ${d.channel} still ${d.state}, attempt ${d.attempt}.${d.publishCount}, next evaluation ${due}: ${describeAttempts(made)}`,
        );
      } else if (d.state === "sent" || d.state === "delivered") {
        if (times === 1) result.sentOnce++;
        if (times === 0) result.lost.push(`${id} ${d.channel} is ${d.state}, and no provider accepted it: ${describeAttempts(made)}`);
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

const describeAttempts = (made: readonly Attempt[]) =>
  made
    .map(
      (a) =>
        `#${a.number} ${a.provider || "no provider"} by ${a.worker} from ${new Date(a.startedAt).toISOString()}: ${a.outcome?.kind ?? "no answer yet"}${a.resend || a.policyResend ? ", a resend" : ""}`,
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

/** Deliveries accepted after the bound, to people who had opted out. */
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
        // A request on a slow line cannot be stopped when the person opts out. Its claim is older than its first byte.
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
