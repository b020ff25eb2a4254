import { accountFor, NO_ACCOUNTS, type ProviderName } from "../../core/apps/accounts.ts";
import type { SteeringRecord } from "../../core/ports/steering-store.ts";
import { type Target, targetKey } from "../../core/steering/target.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Circuits } from "../status/circuits.ts";
import { type AppWithAccounts, readAppAccounts, requireUsed } from "./app-accounts.ts";
import { logged, type Order } from "./audit-log.ts";
import { refuseRing } from "./drain-ring.ts";
import { type Obstacles, obstaclesTo, obstacleWords } from "./obstacles.ts";
import { isFor, put, replacedWords, standingOrders } from "./orders.ts";
import type { PauseParts } from "./pauses.ts";

export interface DrainParts extends PauseParts {
  /** The circuits that dispatchers share, or why they cannot be read. */
  circuits(): Promise<Circuits | { why: string }>;
}

/** An app whose messages would go out by an account of another name. */
export interface MovedApp {
  app: string;
  from: string;
  to: string;
}

export interface Drain extends Order {
  /** All accounts of this provider, or one. */
  from: ProviderName & { account?: string | undefined };
  to: ProviderName;
  /** Also where apps would change to an account of another name, which may be another sender. */
  mayChangeAccount: boolean;
  /** Also where deliveries would wait. */
  mayWait: boolean;
  /** Also where the same is drained or paused already. */
  mayReplace: boolean;
}

/** What a drain did and went over; where it was not done: what has to be accepted first. */
export interface DrainReport {
  done: boolean;
  target: Target;
  moved: MovedApp[];
  /** Why deliveries may wait. */
  waits: Obstacles;
  replaced: SteeringRecord[];
}

/**
 * The channel's other providers send what this one would, `to` before the others. Where apps would change accounts, deliveries would wait, or an order stands for
 * the same target, nothing changes unless that may be. Circuits that cannot be read stop nothing: the report says so.
 */
export async function drain(
  { store, providers, circuits }: DrainParts,
  { from, to, mayChangeAccount, mayWait, mayReplace, ...order }: Drain,
): Promise<DrainReport> {
  if (from.channel !== to.channel || from.name === to.name)
    throw new OperatorError(
      `a drain needs another provider of ${from.channel}: ${to.name} is ${to.name === from.name ? "the same" : `of ${to.channel}`}`,
    );
  const apps = await readAppAccounts(store);
  requireUsed(from, apps);
  const target: Target = { kind: "account", value: from.account === undefined ? from.name : `${from.name}/${from.account}` };
  const standing = await standingOrders(store);
  const others = standing.filter((record) => !isFor(target)(record));
  // An app that names no account, as the next new one.
  const served = [{ app: "", accounts: NO_ACCOUNTS }, ...apps].filter(
    ({ accounts }) => from.account === undefined || accountFor(accounts, from) === from.account,
  );
  refuseRing({ from, to }, { served, providers, orders: others });
  const moved = movedApps(served, from, to);
  const at = new Set(served.map(({ accounts }) => `${to.name}/${accountFor(accounts, to)}`));
  const waits = obstaclesTo({ target, channel: to.channel, accounts: at }, { orders: others, circuits: await circuits() });
  const replaced = standing.filter(isFor(target));
  const report = { target, moved, waits, replaced };
  const mustWait = waits.circuits.length + waits.orders.length > 0;
  if ((moved.length > 0 && !mayChangeAccount) || (mustWait && !mayWait) || (replaced.length > 0 && !mayReplace))
    return { done: false, ...report };
  await logged(store, { ...order, action: "drain", target: `${targetKey(target)} to ${to.name}` }, async (now) => {
    await put(store, { target, state: "drained", to: to.name, ...order, at: now }, replaced);
    const known = mustWait ? [`deliveries may wait: ${obstacleWords(waits).join("; ")}`] : [];
    const words = [
      "drained",
      `${moved.length} apps change to an account of another name`,
      ...known,
      ...replacedWords(target, replaced, "was"),
    ];
    return { result: undefined, words: words.join("; ") };
  });
  return { done: true, ...report };
}

function movedApps(served: readonly AppWithAccounts[], from: ProviderName, to: ProviderName): MovedApp[] {
  return served.flatMap(({ app, accounts }) => {
    const [before, after] = [accountFor(accounts, from), accountFor(accounts, to)];
    return before === after ? [] : [{ app, from: `${from.name}/${before}`, to: `${to.name}/${after}` }];
  });
}
