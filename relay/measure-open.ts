import { countOpenDeliveries, type OpenCount } from "../adapters/store/open-deliveries.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import type { Logger } from "../runtime/logger.ts";
import type { RelayMetrics } from "./metrics.ts";
import { keepRounds } from "./rounds.ts";

/** Between two counts, in ms. Alerts use minutes, and a count of 100,000 open notifications takes the store a third of a second. */
const COUNT_EVERY_MS = 30_000;
/** How long the lease of the relay that counts lasts, in ms: when it dies, another relay takes over after this time. */
const LEASE_MS = 3 * COUNT_EVERY_MS;
const WORK = "open-deliveries";

export interface MeasureOpenParts {
  store: Pick<Store, "notifications" | "lease" | "time">;
  metrics: Pick<RelayMetrics, "openDeliveries">;
  /** Unique to this process. */
  worker: string;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/** Sets the gauge of open deliveries until the signal aborts: in one relay at a time, so that the store is read once and sums are right. */
export async function measureOpen(parts: MeasureOpenParts): Promise<void> {
  const say = { lost: "open deliveries cannot be counted", back: "open deliveries are counted again" };
  // An old count would look like a current one.
  const failed = () => parts.metrics.openDeliveries.reset();
  await keepRounds(() => measureOpenOnce(parts), { everyMs: COUNT_EVERY_MS, say, failed }, parts);
}

export async function measureOpenOnce({ store, metrics, worker, clock, signal }: Omit<MeasureOpenParts, "log">): Promise<void> {
  const now = await store.time();
  const counts = (await store.lease(WORK, worker, now, now + LEASE_MS))
    ? await countOpenDeliveries(store.notifications, clock, signal)
    : [];
  metrics.openDeliveries.reset();
  for (const { channel, state, reason, count } of counts) metrics.openDeliveries.set({ channel, state, reason } satisfies Labels, count);
}

type Labels = Pick<OpenCount, "channel" | "state" | "reason">;
