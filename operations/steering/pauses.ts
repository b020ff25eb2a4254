import { accountFor, type ProviderName } from "../../core/apps/accounts.ts";
import { CLASSES } from "../../core/delivery/channel.ts";
import type { SteeringRecord } from "../../core/ports/steering-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { STEERING_MAX } from "../../core/steering/steering.ts";
import { type Target, targetKey } from "../../core/steering/target.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { findApp } from "../apps/apps.ts";
import { logged, type Order } from "./audit-log.ts";

type SteeredStore = Pick<Store, "steering" | "time">;

/** Within STEERING_BOUND_MS nothing of the target is sent any more, until it is resumed or `forMs` have passed. */
export async function pause(
  store: SteeredStore & Pick<Store, "apps">,
  { target, forMs, ...order }: Order & { target: Target; forMs?: number | undefined },
): Promise<SteeringRecord> {
  if (target.kind === "app") await findApp(store.apps, target.value);
  return logged(store, { ...order, action: "pause", target: targetKey(target) }, async (at) => {
    const until = forMs === undefined ? undefined : at + forMs;
    const record = await put(store, { target, state: "paused", ...order, at, ...(until === undefined ? {} : { until }) });
    return { result: record, words: until === undefined ? "paused" : `paused until ${new Date(until).toISOString()}` };
  });
}

/** Resolves to false, and changes nothing, where the target is neither paused nor drained. */
export const resume = (store: SteeredStore, { target, ...order }: Order & { target: Target }): Promise<boolean> =>
  logged(store, { ...order, action: "resume", target: targetKey(target) }, async (at) => {
    const key = targetKey(target);
    const before = (await store.steering.list()).find((record) => targetKey(record.target) === key);
    if (before === undefined || before.state === "resumed") return { result: false, words: "was not paused" };
    await store.steering.put({ target, state: "resumed", ...order, at });
    return { result: true, words: "resumed" };
  });

async function put({ steering }: SteeredStore, record: SteeringRecord): Promise<SteeringRecord> {
  const others = (await steering.list()).filter(({ target }) => targetKey(target) !== targetKey(record.target));
  if (others.length >= STEERING_MAX) throw new OperatorError(`${STEERING_MAX} targets are paused or drained; resume one of them first`);
  await steering.put(record);
  return record;
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
}

/** The channel's other providers send what this one would, `to` before the others. Where apps would change accounts and may not, nothing changes. */
export async function drain(
  store: SteeredStore & Pick<Store, "apps">,
  { from, to, mayChangeAccount, ...order }: Drain,
): Promise<{ done: boolean; moved: MovedApp[] }> {
  if (from.channel !== to.channel || from.name === to.name)
    throw new OperatorError(
      `--to must be another provider of ${from.channel}: ${to.name} is ${to.name === from.name ? "the same" : `of ${to.channel}`}`,
    );
  const value = from.account === undefined ? from.name : `${from.name}/${from.account}`;
  const moved = await movedApps(store, from, to);
  if (moved.length > 0 && !mayChangeAccount) return { done: false, moved };
  const target: Target = { kind: "account", value };
  await logged(store, { ...order, action: "drain", target: `${targetKey(target)} to ${to.name}` }, async (at) => {
    await put(store, { target, state: "drained", to: to.name, ...order, at });
    return { result: undefined, words: `drained; ${moved.length} apps change to an account of another name` };
  });
  return { done: true, moved };
}

async function movedApps({ apps }: Pick<Store, "apps">, from: Drain["from"], to: ProviderName): Promise<MovedApp[]> {
  const moved: MovedApp[] = [];
  for await (const { id, accounts = {} } of apps.list()) {
    const [before, after] = [accountFor(accounts, from), accountFor(accounts, to)];
    if (before !== after && (from.account === undefined || from.account === before))
      moved.push({ app: id, from: `${from.name}/${before}`, to: `${to.name}/${after}` });
  }
  return moved;
}

/** Open notifications read to count what waits; beyond it the counts are lower bounds. */
const COUNT_MAX = 100_000;

/** What is paused, and how many deliveries were handed back for each and wait. */
export async function showSteering(
  store: Pick<Store, "steering" | "notifications">,
): Promise<{ targets: (SteeringRecord & { waiting: number })[]; isCounted: boolean }> {
  const steering = await store.steering.list();
  const waiting = new Map<string, number>();
  let read = 0;
  if (steering.length > 0)
    for (const notificationClass of CLASSES)
      for await (const n of store.notifications.open(notificationClass)) {
        if (++read > COUNT_MAX) break;
        for (const { state, reason } of n.deliveries)
          if (state === "pending" && reason?.code === "paused" && reason.detail !== undefined)
            waiting.set(reason.detail, (waiting.get(reason.detail) ?? 0) + 1);
      }
  return {
    targets: steering.map((record) => ({ ...record, waiting: waiting.get(targetKey(record.target)) ?? 0 })),
    isCounted: read <= COUNT_MAX,
  };
}
