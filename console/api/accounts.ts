import type { ProviderName } from "../../core/apps/accounts.ts";
import type { AppRecord } from "../../core/apps/app.ts";
import { DEFAULT_ACCOUNT } from "../../core/delivery/account.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import type { SteeringRecord } from "../../core/steering/steering.ts";
import type { RecentAudit } from "../../operations/audit/recent-audit.ts";
import type { CircuitName } from "../../operations/status/circuits.ts";
import type { Session } from "../session.ts";
import type { AccountNow, Accounts } from "../view-accounts.ts";
import { shared, type Viewed } from "./kept.ts";
import { checkedOf, type Readings, steeredOf } from "./readings.ts";
import { appsOf } from "./route.ts";
import { orderFor } from "./sight.ts";

/** Most accounts that are shown. */
const ACCOUNTS_MAX = 200;

interface Known {
  providers: readonly ProviderName[];
  recent: RecentAudit | undefined;
  circuits: { notClosed: readonly Pick<CircuitName, "account">[]; closed: readonly CircuitName[] } | undefined;
  steering: readonly SteeringRecord[];
  apps: readonly AppRecord[];
}

interface AccountName {
  channel: string;
  provider: string;
  account: string;
}

/**
 * The accounts that something names: a call lately, a circuit, a pause or drain, an app's settings. Which ones are configured only the dispatchers know, whose
 * files hold their credentials. In the order of the providers.
 */
export function knownAccounts({ providers, recent, circuits, steering, apps }: Known): { names: AccountName[]; isCut: boolean } {
  const named = new Set<string>();
  for (const { provider, account } of recent?.accounts ?? []) named.add(`${provider}/${account}`);
  for (const { account } of [...(circuits?.notClosed ?? []), ...(circuits?.closed ?? [])]) named.add(account);
  for (const { target } of steering)
    if (target.kind === "account") named.add(target.value.includes("/") ? target.value : `${target.value}/${DEFAULT_ACCOUNT}`);
  for (const { accounts = {} } of apps)
    for (const [of, account] of Object.entries(accounts)) if (providers.some(({ name }) => name === of)) named.add(`${of}/${account}`);
  const names = providers.flatMap(({ name, channel }) =>
    [...named]
      .filter((one) => one.startsWith(`${name}/`))
      .sort()
      .map((one) => ({ channel, provider: name, account: one.slice(name.length + 1) })),
  );
  return { names: names.slice(0, ACCOUNTS_MAX), isCut: names.length > ACCOUNTS_MAX };
}

export interface AccountsParts {
  store: Pick<Store, "steering" | "apps" | "time">;
  providers: readonly ProviderName[];
  readings: Readings;
  clock: Pick<Clock, "monotonic">;
}

/** Reads the store once in FRESH_MS, however many people ask. */
export function createAccounts(parts: AccountsParts): Viewed<Accounts> {
  const { read, renew } = shared(() => readAccounts(parts), parts.clock);
  const view = async (session: Session) => {
    const { accounts, ...rest } = await read();
    return { ...rest, accounts: accounts.map((one) => ({ ...one, ...(one.steered && { steered: orderFor(session, one.steered) }) })) };
  };
  return { view, renew };
}

async function readAccounts({ store, providers, readings }: AccountsParts): Promise<Accounts> {
  const [recent, steering, { apps, isCut: areAppsCut }, circuits, now] = await Promise.all([
    readings.recent(),
    store.steering.list(),
    appsOf(store),
    readings.circuits(),
    store.time(),
  ]);
  const { names, isCut } = knownAccounts({ providers, recent: recent.value, circuits, steering, apps });
  const accounts = names.map((name): AccountNow => {
    const text = `${name.provider}/${name.account}`;
    const calls = recent.value?.accounts.find((one) => one.provider === name.provider && one.account === name.account);
    const own = steering.filter(({ target }) => target.kind === "account" && (target.value === name.provider || target.value === text));
    const steered = own.find(({ state }) => state === "paused") ?? own[0];
    return {
      ...name,
      ...(calls && { calls: { made: calls.calls, accepted: calls.accepted, lastAt: calls.lastAt } }),
      circuits: (circuits?.notClosed ?? [])
        .filter(({ account }) => account === text)
        .sort((a, b) => Number(b.part === "account") - Number(a.part === "account")),
      ...(steered && { steered: steeredOf(steered) }),
      apps: apps.filter(({ accounts: set = {} }) => (set[name.provider] ?? set[name.channel]) === name.account).map(({ id }) => id),
    };
  });
  return {
    ...{ accounts, isCut, areAppsCut },
    unseen: providers
      .filter(({ name }) => !names.some(({ provider }) => provider === name))
      .map(({ name, channel }) => ({ channel, provider: name })),
    providers: providers.map(({ name, channel }) => ({ channel, provider: name })),
    ...{ isCircuitsKnown: circuits !== undefined, checked: checkedOf(recent.value), checkFault: recent.fault, now },
  };
}
