import type { OpenCount } from "../../adapters/store/open-deliveries.ts";
import type { ProviderName } from "../../core/apps/accounts.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { reason } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import { promisesOf } from "../../operations/audit/promises.ts";
import type { RecentAudit } from "../../operations/audit/recent-audit.ts";
import { FAILED_MAX, readOpen } from "../../operations/status/waiting.ts";
import { waitingWords } from "../../operations/why/explain.ts";
import type { Session } from "../session.ts";
import type { ChannelNow, Now } from "../view-now.ts";
import { knownAccounts } from "./accounts.ts";
import { incidentsOf, triedAgain } from "./incidents.ts";
import { shared, type Viewed } from "./kept.ts";
import { checkedOf, type Readings, steeredOf } from "./readings.ts";
import { appsOf } from "./route.ts";
import { freeText, orderFor } from "./sight.ts";
import { isTriedAgain } from "./words.ts";

/** Actions that are shown. */
const ACTIONS = 10;
/** Details of a reason that are shown, the most frequent. */
const DETAILS = 3;
/** Apps that are shown, those with the most open. */
const BUSIEST = 5;

export interface NowParts {
  store: Pick<Store, "notifications" | "time" | "steering" | "apps">;
  providers: readonly ProviderName[];
  readings: Readings;
  clock: Pick<Clock, "monotonic">;
}

/** What waits and why, whether the promises hold, what is paused, and who changed what. However many ask, the store is read once in FRESH_MS. */
export function createNow(parts: NowParts): Viewed<Now> {
  const { read, renew } = shared(() => readNow(parts), parts.clock);
  return { view: async (session) => nowFor(session, await read()), renew };
}

/** What a person of this role may see of it. */
const nowFor = (session: Session, now: Now): Now => ({
  ...now,
  incidents: now.incidents.map((one) => (one.by ? { ...one, by: orderFor(session, one.by) } : one)),
  steering: now.steering.map((one) => orderFor(session, one)),
  actions: now.actions.map((one) => orderFor(session, one)),
});

async function readNow({ store, providers, readings }: NowParts): Promise<Now> {
  const isNatsConnected = readings.isNatsConnected();
  const [recent, failed, { open, outbox }, byApp, steering, actions, { apps, isCut }, circuits, now] = await Promise.all([
    readings.recent(),
    readings.failed(),
    readOpen(store),
    readings.byApp(),
    store.steering.list(),
    store.steering.actions(undefined, ACTIONS),
    appsOf(store),
    readings.circuits(),
    store.time(),
  ]);
  const channels = CHANNELS.map((channel) => channelOf(channel, open, recent.value, now)).sort((a, b) => triedAgain(b) - triedAgain(a));
  const promises = promisesOf(recent.value);
  const accounts = knownAccounts({ providers, recent: recent.value, circuits, steering, apps });
  return {
    ...incidentsOf({
      ...{ promises, isNatsAway: isNatsConnected === false, circuits: circuits?.notClosed ?? [], channels, outbox, now },
      ...{ steering, held: heldBy(open), providers },
    }),
    ...{ promises, checked: checkedOf(recent.value), checkFault: recent.fault || failed.fault, channels, outbox, now },
    isNatsConnected,
    circuits: circuits && { notClosed: circuits.notClosed, closed: circuits.closed.length },
    ...{ failed: failed.value, isFailedCut: failed.value === FAILED_MAX },
    busiest: byApp.value?.apps.slice(0, BUSIEST),
    ...{ busy: byApp.value?.apps.length ?? 0, isBusyCut: byApp.value?.isCut ?? false },
    steering: steering.map(steeredOf),
    areTargetsCut: isCut || accounts.isCut,
    targets: [...apps.map(({ id }) => `app:${id}`), ...accounts.names.map(({ provider, account }) => `account:${provider}/${account}`)],
    actions: actions.map(({ at, actor, action, target, reason, result = "begun; nothing more is known" }) => ({
      ...{ at, actor, action, target, reason, result },
    })),
  };
}

/** Why they wait, with the detail where all have the same. */
function reasonWords(code: OpenCount["reason"], count: number, [detail]: OpenCount["details"]): string {
  if (code === "none") return "Nothing failed: scheduled, queued, or being sent";
  return waitingWords(reason(code, detail?.count === count ? freeText(detail.detail) : undefined));
}

/** Deliveries that wait for each target that is paused or drained, by its key. */
function heldBy(open: readonly OpenCount[]): Map<string, number> {
  const held = new Map<string, number>();
  for (const { details } of open.filter(({ reason }) => reason === "paused"))
    for (const { detail, count } of details) held.set(detail, (held.get(detail) ?? 0) + count);
  return held;
}

function channelOf(channel: OpenCount["channel"], open: readonly OpenCount[], audit: RecentAudit | undefined, now: number): ChannelNow {
  const own = open.filter((one) => one.channel === channel);
  const sum = (is: (one: OpenCount) => boolean) => own.reduce((total, one) => total + (is(one) ? one.count : 0), 0);
  const why = own.map(({ state, reason, count, oldest, details }) => ({
    ...{ count, isInDoubt: state === "uncertain", reason: reason === "none" ? "" : reason },
    words: state === "uncertain" ? "In doubt: the provider did not answer" : reasonWords(reason, count, details),
    details: details.slice(0, DETAILS).map((one) => ({ text: freeText(one.detail), count: one.count })),
    // What is scheduled for later does not wait yet.
    ...(oldest <= now && { oldestAt: oldest }),
  }));
  const oldestOfAll = Math.min(...own.map((one) => one.oldest));
  return {
    channel,
    ...(audit && { recent: audit.channels[channel] ?? { accepted: 0, states: {} } }),
    ...{ waiting: sum(({ state }) => state === "pending"), inDoubt: sum(({ state }) => state === "uncertain") },
    retrying: sum(({ state, reason }) => state === "pending" && reason !== "none" && reason !== "misconfigured" && isTriedAgain(reason)),
    misconfigured: sum(({ state, reason }) => state === "pending" && reason === "misconfigured"),
    ...(oldestOfAll <= now && { oldestAt: oldestOfAll }),
    why: why.sort((a, b) => b.count - a.count),
  };
}
