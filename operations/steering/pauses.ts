import type { ProviderName } from "../../core/apps/accounts.ts";
import { CLASSES } from "../../core/delivery/channel.ts";
import type { SteeringRecord } from "../../core/ports/steering-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { shareAccount, type Target, targetKey } from "../../core/steering/target.ts";
import { findApp } from "../apps/apps.ts";
import { readAppAccounts, requireUsed } from "./app-accounts.ts";
import { logged, type Order } from "./audit-log.ts";
import { isFor, moment, put, replace, replacedWords, standingOrders } from "./orders.ts";

export interface PauseParts {
  store: Pick<Store, "steering" | "time" | "apps">;
  /** All that there are. */
  providers: readonly ProviderName[];
}

export interface Pause extends Order {
  target: Target;
  /** In ms; undefined: until it is resumed. */
  forMs?: number | undefined;
  /** Also where an order stands for the target. */
  mayReplace: boolean;
}

/** What a pause or a drain did, and the orders that it replaced or, while it lasts, outweighs; or would: then nothing was done. */
export type Paused = { target: Target; replaced: SteeringRecord[] } & ({ done: true; record: SteeringRecord } | { done: false });

/**
 * Within STEERING_BOUND_MS nothing of the target is sent any more, until it is resumed or `forMs` have passed. Where it is paused or drained already, or an account
 * of it is drained, nothing changes unless the order may replace that: a pause keeps back what a drain sends.
 */
export async function pause({ store, providers }: PauseParts, { target, forMs, mayReplace, ...order }: Pause): Promise<Paused> {
  await requireTarget(store, target, providers);
  const replaced = (await standingOrders(store)).filter(
    (record) => isFor(target)(record) || (record.state === "drained" && shareAccount(record.target, target)),
  );
  if (replaced.length > 0 && !mayReplace) return { done: false, target, replaced };
  return logged(store, { ...order, action: "pause", target: targetKey(target) }, async (at) => {
    const until = forMs === undefined ? undefined : at + forMs;
    const record = await put(store, { target, state: "paused", ...order, at, ...(until === undefined ? {} : { until }) }, replaced);
    const words = until === undefined ? "paused" : `paused until ${moment(until)}`;
    return { result: { done: true, target, record, replaced }, words: [words, ...replacedWords(target, replaced, "was")].join("; ") };
  });
}

/** Rejects an app or an account that nothing names. */
async function requireTarget(store: Pick<Store, "apps">, { kind, value }: Target, providers: readonly ProviderName[]): Promise<void> {
  if (kind === "app") await findApp(store.apps, value);
  const [name, account] = value.split("/");
  const provider = kind === "account" && account !== undefined && providers.find((one) => one.name === name);
  if (provider) requireUsed({ ...provider, account }, await readAppAccounts(store));
}

/** Resolves to false, and changes nothing, where the target is neither paused nor drained; rejects where another order comes meanwhile. */
export const resume = (store: Pick<Store, "steering" | "time">, { target, ...order }: Order & { target: Target }): Promise<boolean> =>
  logged(store, { ...order, action: "resume", target: targetKey(target) }, async (at) => {
    const before = (await store.steering.list()).find(isFor(target));
    if (before === undefined || before.state === "resumed") return { result: false, words: "was not paused" };
    await replace(store, { target, state: "resumed", ...order, at }, before);
    return { result: true, words: "resumed" };
  });

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
