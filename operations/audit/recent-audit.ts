import { accountNameOf } from "../../core/delivery/account.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import { type DeliveryState, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import { type AttemptRecord, knownOutcome } from "../../core/ports/attempt-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import { type Break, breaksIn } from "./audit-breaks.ts";
import { confirmed } from "./read-audit.ts";
import { checkOptOuts, type OptOutCheck } from "./recent-opt-outs.ts";
import { type RecentWindow, readWindow, type WindowStore } from "./recent-window.ts";

/** How far back a recent audit looks, in ms. */
export const RECENT_MS = 600_000;
/** Notifications of one audit at most: with SQLite 50 ms of work, spread over half a second. Where more was accepted, it looks less far back. */
export const RECENT_MAX = 2_000;
/** Within this of its time, in ms, what is critical is to be tried. */
export const CRITICAL_MS = 10_000;
/** Ids that are shown of what breaks a promise. */
const EXAMPLES_MAX = 5;

/** Deliveries of a channel that were accepted in the window: all of them, and by state. */
export interface RecentChannel {
  accepted: number;
  states: Partial<Record<DeliveryState, number>>;
}

/** Calls of the window by one account. */
export interface RecentAccount {
  provider: string;
  account: string;
  channel: Channel;
  calls: number;
  /** That the provider took. */
  accepted: number;
  /** ms since the epoch. */
  lastAt: number;
}

/** What was accepted lately, checked against the promises. Says nothing of what is older. Moments are ms since the epoch. */
export interface RecentAudit {
  /** It covers what was accepted from `from` to `at`. */
  from: number;
  at: number;
  /** How many apps were read, and whether there are more. */
  apps: number;
  areAppsCut: boolean;
  notifications: number;
  deliveries: number;
  ended: number;
  open: number;
  attempts: number;
  /** Attempts that repeated one of unknown outcome, by the policy of their class. */
  repeated: number;
  /** Deliveries without an end and without a next step. */
  lost: Broken;
  /** Deliveries with a second send, or sent without an attempt that says so. */
  twice: Broken;
  optOuts: Broken & Pick<OptOutCheck, "checked" | "undecided">;
  /** Critical deliveries whose time came at least CRITICAL_MS ago; broken: those that were not tried within it; waiting: of these, those that still wait for a first attempt. */
  critical: Broken & { checked: number; waiting: number };
  channels: Partial<Record<Channel, RecentChannel>>;
  accounts: RecentAccount[];
}

export interface Broken {
  broken: number;
  /** Ids of deliveries, at most EXAMPLES_MAX. */
  examples: string[];
}

/** Checks what was accepted within RECENT_MS. What seems broken is read again before it counts. */
export async function auditRecent({
  store,
  clock,
}: {
  store: WindowStore & Pick<Store, "preferences" | "time">;
  clock: Pick<Clock, "sleep">;
}): Promise<RecentAudit> {
  const at = await store.time();
  const window = await readWindow(store, { from: at - RECENT_MS, max: RECENT_MAX, clock });
  const { notifications, attempts } = window;
  const breaks = await confirmed({ store, clock }, breaksIn(notifications, attempts, undefined));
  const optOuts = await checkOptOuts(store, window);
  const deliveries = notifications.flatMap((n) => n.deliveries);
  const open = deliveries.filter(({ state }) => isOpen(state)).length;
  return {
    ...{ from: window.from, at, notifications: notifications.length, deliveries: deliveries.length, open, ended: deliveries.length - open },
    ...{ apps: window.apps.length, areAppsCut: window.areAppsCut, attempts: attempts.length },
    repeated: attempts.filter(({ policyResend }) => policyResend).length,
    lost: brokenBy(breaks, ["ends", "watched"]),
    twice: brokenBy(breaks, ["once", "proven"]),
    optOuts: { checked: optOuts.checked, undecided: optOuts.undecided, ...shown(optOuts.broken) },
    critical: criticalIn(window, at),
    channels: channelsIn(notifications),
    accounts: accountsIn(window),
  };
}

const shown = (ids: readonly string[]): Broken => ({ broken: ids.length, examples: ids.slice(0, EXAMPLES_MAX) });

const brokenBy = (breaks: readonly Break[], checks: readonly Break["check"][]): Broken =>
  shown([...new Set(breaks.filter(({ check }) => checks.includes(check)).map(({ id }) => id))]);

function criticalIn({ notifications, attempts }: RecentWindow, now: number): RecentAudit["critical"] {
  const firstAt = new Map<string, number>();
  for (const { deliveryId, startedAt, provider } of attempts)
    if (provider !== "") firstAt.set(deliveryId, Math.min(startedAt, firstAt.get(deliveryId) ?? startedAt));
  const due = notifications
    .filter(({ notificationClass, sendAt }) => notificationClass === "critical" && sendAt + CRITICAL_MS <= now)
    // What was never to be sent, or was taken back, has no attempt to wait for.
    .flatMap(({ sendAt, deliveries }) =>
      deliveries
        .filter(({ state }) => state !== "suppressed" && state !== "cancelled")
        .map(({ id, state }) => ({ id, sendAt, isWaiting: isOpen(state) && !firstAt.has(id) })),
    );
  const late = due.filter(({ id, sendAt }) => (firstAt.get(id) ?? Number.POSITIVE_INFINITY) - sendAt > CRITICAL_MS);
  // An example that still waits can be helped.
  const sorted = late.toSorted((a, b) => Number(b.isWaiting) - Number(a.isWaiting));
  return { checked: due.length, waiting: late.filter(({ isWaiting }) => isWaiting).length, ...shown(sorted.map(({ id }) => id)) };
}

function channelsIn(notifications: readonly NotificationRecord[]): RecentAudit["channels"] {
  const channels: RecentAudit["channels"] = {};
  for (const { deliveries } of notifications)
    for (const { channel, state } of deliveries) {
      const counts = channels[channel] ?? { accepted: 0, states: {} };
      channels[channel] = counts;
      counts.accepted += 1;
      counts.states[state] = (counts.states[state] ?? 0) + 1;
    }
  return channels;
}

function accountsIn({ notifications, attempts }: RecentWindow): RecentAccount[] {
  const channelOf = new Map(notifications.flatMap(({ deliveries }) => deliveries.map(({ id, channel }) => [id, channel] as const)));
  const accounts = new Map<string, RecentAccount>();
  for (const attempt of attempts) {
    const [channel, account] = [channelOf.get(attempt.deliveryId), accountNameOf(attempt)];
    if (attempt.provider === "" || channel === undefined) continue;
    const name = `${attempt.provider}/${account}`;
    const before = accounts.get(name) ?? { provider: attempt.provider, account, channel, calls: 0, accepted: 0, lastAt: 0 };
    const accepted = before.accepted + (isTaken(attempt) ? 1 : 0);
    accounts.set(name, { ...before, calls: before.calls + 1, accepted, lastAt: Math.max(before.lastAt, attempt.startedAt) });
  }
  return [...accounts.values()];
}

const isTaken = (attempt: AttemptRecord) => knownOutcome(attempt)?.kind === "accepted";
