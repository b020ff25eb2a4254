import type { Store } from "../../core/ports/store.ts";
import { isActive } from "../../core/webhooks/endpoint.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { inParallel } from "../../runtime/in-parallel.ts";
import type { RelayMetrics } from "../metrics.ts";
import { keepRounds } from "../rounds.ts";
import { createWorkLease } from "../work-lease.ts";
import { createWebhookLane, type LaneParts, type WebhookLane } from "./lane.ts";

/** Between two looks for due events, in ms. */
export const ROUND_MS = 500;
/** A round lasts at least this long for each endpoint, in ms: each costs a read of an index, and there are at most 100 of these reads a second. */
const ROUND_MS_PER_ENDPOINT = 10;
/** Reads at once. */
const READS_MAX = 8;
/** Between two readings of the endpoints, in ms: the longest time until an operator's change takes effect. */
const READ_ENDPOINTS_MS = 2_000;
/** How long the lease of the relay that sends lasts, in ms: when it dies, another relay takes over after this time. */
export const LEASE_MS = 20_000;
/** It asks for more time this long before its lease ends, in ms: longer than a call takes, so that calls end within it. */
const RENEW_MS = 16_000;
const WORK = "webhooks";
/**
 * An event that is missing this long after its change, in ms, is made by the relay: the process that stored the change has died, or would have made it by now.
 * Far above the deadline of any write.
 */
const RECOVER_AFTER_MS = 30_000;
/** Changes whose events are made in one go, and old events that are removed in one go. */
const BATCH = 100;
/** An event is given up after this, in ms. Its calls take three days; events of an endpoint that was removed may be left for longer. */
const EVENT_LIFE_MS = 7 * 86_400_000;
/** What a stopping relay waits for its calls, in ms. Then they are ended, and another relay sends their events again. */
const DRAIN_MS = 5_000;

export interface WebhookParts extends Omit<LaneParts, "store" | "metrics"> {
  store: Pick<Store, "webhooks" | "contacts" | "lease">;
  /** Unique to this process. */
  worker: string;
  metrics: LaneParts["metrics"] & Pick<RelayMetrics, "webhookOldest">;
  signal: AbortSignal;
}

/** Tells apps of changes of preferences, one relay at a time. Resolves once `signal` has aborted and its calls have ended. */
export async function keepWebhooks(parts: WebhookParts): Promise<void> {
  const { store, signer, worker, clock, log, metrics } = parts;
  const isLeased = createWorkLease(store, { work: WORK, worker, leaseMs: LEASE_MS, renewMs: RENEW_MS }, clock);
  const lanes = new Map<string, WebhookLane>();
  let readAt = Number.NEGATIVE_INFINITY;

  /** Opens and closes lanes as endpoints come and go, makes events that a crash left out, and drops those that are too old. */
  async function maintain(): Promise<void> {
    const known = new Set<string>();
    for await (const { app, endpoints } of store.webhooks.list())
      for (const endpoint of endpoints.filter(isActive)) {
        const key = JSON.stringify([app, endpoint.name]);
        known.add(key);
        const lane = lanes.get(key);
        if (lane) lane.take(endpoint);
        else lanes.set(key, createWebhookLane(app, endpoint, parts));
      }
    await closeLanes((key) => !known.has(key));
    const now = clock.now();
    await store.webhooks.recover(now - RECOVER_AFTER_MS, BATCH);
    const old = await store.webhooks.purge(now - EVENT_LIFE_MS, BATCH);
    if (old > 0) log.error({ dropped: old }, "gave up events for webhooks that had waited for too long");
    metrics.webhookGivenUp.inc(old);
    const oldest = await store.webhooks.oldest();
    metrics.webhookOldest.set(oldest === undefined ? 0 : Math.max(0, now - oldest) / 1_000);
  }

  async function closeLanes(which: (key: string) => boolean): Promise<void> {
    const closing = [...lanes].filter(([key]) => which(key));
    for (const [key] of closing) lanes.delete(key);
    await Promise.all(closing.map(([, lane]) => lane[Symbol.asyncDispose]()));
  }

  async function round(): Promise<void> {
    if (!signer.isOn()) return;
    if (!(await isLeased())) {
      metrics.webhookOldest.set(0);
      return closeLanes(() => true);
    }
    if (clock.monotonic() - readAt >= READ_ENDPOINTS_MS) {
      await maintain();
      readAt = clock.monotonic();
    }
    await inParallel([...lanes.values()], READS_MAX, (lane) => lane.pump());
  }

  const say = { lost: "events for webhooks cannot be read; they are told later", back: "events for webhooks can be read again" };
  const everyMs = () => Math.max(ROUND_MS, lanes.size * ROUND_MS_PER_ENDPOINT);
  await keepRounds(round, { everyMs, startsLater: true, say }, parts);
  const drained = Promise.all([...lanes.values()].map((lane) => lane.drain()));
  await withDeadline(drained, { limitMs: DRAIN_MS, clock }, () => undefined);
  await closeLanes(() => true);
}
