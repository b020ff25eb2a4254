import type { OpenCount } from "../../adapters/store/open-deliveries.ts";
import type { ProviderName } from "../../core/apps/accounts.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import type { Store } from "../../core/ports/store.ts";
import type { RecentAudit } from "../../operations/audit/recent-audit.ts";
import { readOpenByApp } from "../../operations/status/open-by-app.ts";
import { FAILED_MAX, readOpen } from "../../operations/status/waiting.ts";
import type { Session } from "../session.ts";
import type { ChannelNow, Now } from "../view-now.ts";
import { knownAccounts } from "./accounts.ts";
import { incidentOf, triedAgain } from "./incident.ts";
import { checkedOf, type Look, shared, steeredOf } from "./look.ts";
import { promisesOf } from "./promises.ts";
import { appsOf } from "./route.ts";
import { orderFor } from "./sight.ts";
import { isTriedAgain, waitingWords } from "./words.ts";

/** Actions that are shown. */
const ACTIONS = 10;
/** Apps that are shown, those with the most open. */
const BUSIEST = 5;

export interface NowParts {
  store: Pick<Store, "notifications" | "time" | "steering" | "apps">;
  providers: readonly ProviderName[];
  look: Look;
}

/** What waits and why, whether the promises hold, what is paused, and who changed what. However many ask, the store is read once in FRESH_MS. */
export function createNow(parts: NowParts): (session: Session) => Promise<Now> {
  const read = shared(() => readNow(parts));
  return async (session) => nowFor(session, await read());
}

/** As this role is shown it. */
const nowFor = (session: Session, now: Now): Now => ({
  ...now,
  steering: now.steering.map((one) => orderFor(session, one)),
  actions: now.actions.map((one) => orderFor(session, one)),
});

async function readNow({ store, providers, look }: NowParts): Promise<Now> {
  const [recent, failed, isNatsConnected] = [look.recent(), look.failed(), look.isNatsConnected()];
  const [{ open, outbox }, byApp, steering, actions, { apps, isCut }, circuits, now] = await Promise.all([
    readOpen(store),
    readOpenByApp(store),
    store.steering.list(),
    store.steering.actions(undefined, ACTIONS),
    appsOf(store),
    look.circuits(),
    store.time(),
  ]);
  const channels = CHANNELS.map((channel) => channelOf(channel, open, recent.value, now)).sort((a, b) => triedAgain(b) - triedAgain(a));
  const promises = promisesOf(recent.value);
  const accounts = knownAccounts({ providers, recent: recent.value, circuits, steering, apps });
  return {
    incident: incidentOf({ promises, isNatsAway: isNatsConnected === false, circuits: circuits?.notClosed ?? [], channels, outbox, now }),
    ...{ promises, checked: checkedOf(recent.value), checkFault: recent.fault || failed.fault, channels, outbox, now },
    isNatsConnected,
    circuits: circuits && { notClosed: circuits.notClosed, closed: circuits.closed.length },
    ...{ failed: failed.value, isFailedCut: failed.value === FAILED_MAX },
    ...{ busiest: byApp.apps.slice(0, BUSIEST), busy: byApp.apps.length, isBusyCut: byApp.isCut },
    steering: steering.map(steeredOf),
    areTargetsCut: isCut || accounts.isCut,
    targets: [...apps.map(({ id }) => `app:${id}`), ...accounts.names.map(({ provider, account }) => `account:${provider}/${account}`)],
    actions: actions.map(({ at, actor, action, target, reason, result = "begun; nothing more is known" }) => ({
      ...{ at, actor, action, target, reason, result },
    })),
  };
}

function channelOf(channel: OpenCount["channel"], open: readonly OpenCount[], audit: RecentAudit | undefined, now: number): ChannelNow {
  const own = open.filter((one) => one.channel === channel);
  const sum = (is: (one: OpenCount) => boolean) => own.reduce((total, one) => total + (is(one) ? one.count : 0), 0);
  const why = own.map(({ state, reason, count, oldest }) => ({
    ...{ count, isInDoubt: state === "uncertain", reason: reason === "none" ? "" : reason },
    words: state === "uncertain" ? "In doubt: the provider did not answer" : waitingWords(reason),
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
