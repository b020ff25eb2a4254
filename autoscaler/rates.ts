import type { OutboxReport } from "../adapters/nats/outbox-report.ts";
import type { QueueReading, QueueState } from "../adapters/nats/queue-state.ts";
import type { Report } from "../adapters/nats/report.ts";
import type { Channel } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import { type ChannelScaling, requiredRate } from "../core/scaling/scaling.ts";
import { type Arrivals, updateArrivals } from "./arrivals.ts";
import { type Hold, isProviderFailing, NO_HOLD, updateHold } from "./hold.ts";
import { CALLS_WINDOW_MS, createReports, NEWEST_WINDOW_MS, REPORT_LIFE_MS, type Reports } from "./reports.ts";
import type { RequiredRate, RequiredRates } from "./required.ts";

/** A rate is served for this long after the reading it was computed from. After that it is unknown, and scalers keep the number of pods. */
export const RATE_LIFE_MS = 30_000;
/** A relay's report counts for this long: three of them. */
const OUTBOX_LIFE_MS = 15_000;
/** Wait for pods' reports before the first rate: two reports of each. Without them parked tasks would count as backlog. */
export const LISTEN_MS = 5_000;
/** A channel stays active for this long after its last task, so that its last pod is not stopped and started in turn. */
export const ACTIVE_MS = 60_000;

export type Scalings = Readonly<Record<Channel, ChannelScaling>>;

/** What a channel's rate was computed from. */
export interface ChannelView {
  backlog: number;
  parked: number;
  arrivalsPerSecond: number;
  oldestMs: number;
  ackPendingRatio: number;
  bytesRatio: number;
  /** ms since the epoch. */
  at: number;
}

export interface Rates extends RequiredRates {
  addReading(channel: Channel, reading: QueueReading): void;
  addReport(channel: Channel, report: Report): void;
  /** What relays find due in the outbox: backlog that the queue does not show. */
  addOutbox(report: OutboxReport): void;
  parked(channel: Channel): number;
  /** Of the last reading that succeeded. */
  view(channel: Channel): ChannelView | undefined;
  /** Whether an outage of the provider or a failed reading holds the rate. */
  held(channel: Channel): boolean;
  /** Calls `listener` after each reading. */
  watch(listener: (channel: Channel) => void): Disposable;
}

interface ChannelState {
  reports: Reports;
  arrivals: Arrivals | undefined;
  hold: Hold;
  view: ChannelView | undefined;
  rate: (RequiredRate & { kind: "known" }) | undefined;
  /** When `rate` was computed, by the monotonic clock. */
  ratedAt: number;
  /** When the queue was last read, by the monotonic clock. */
  readAt: number;
  /** The first reading after the last gap, by the monotonic clock. */
  listeningSince: number;
  /** Why there is no newer rate; undefined while there is one. */
  why: string | undefined;
}

export function createRates(channels: readonly Channel[], scalings: Scalings, clock: Pick<Clock, "now" | "monotonic">): Rates {
  const states = new Map<Channel, ChannelState>(channels.map((channel) => [channel, initialState()]));
  /** Every relay reports all that is due, so that the newest report stands. */
  let outbox: { report: OutboxReport; at: number } = { report: {}, at: Number.NEGATIVE_INFINITY };
  const listeners = new Set<(channel: Channel) => void>();

  function update(channel: Channel, of: ChannelState, queue: QueueState): void {
    const now = clock.monotonic();
    const parked = of.reports.parked(now);
    if (now - of.readAt > REPORT_LIFE_MS) of.listeningSince = now;
    of.readAt = now;
    const reported = now - outbox.at <= OUTBOX_LIFE_MS ? { count: outbox.report[channel] ?? 0, at: outbox.at } : undefined;
    of.arrivals = updateArrivals(of.arrivals, { created: queue.created, lastSequence: queue.lastSequence, due: reported }, now);
    const { perSecond: arrivalsPerSecond, arrivedAt } = of.arrivals;
    const due = reported?.count ?? 0;
    const view: ChannelView = {
      backlog: Math.max(0, queue.waiting + queue.handedOut - parked) + due,
      parked,
      arrivalsPerSecond: arrivalsPerSecond ?? 0,
      ...{ oldestMs: queue.oldestMs, ackPendingRatio: queue.ackPendingRatio, at: clock.now() },
      bytesRatio: queue.bytesMax > 0 ? queue.bytes / queue.bytesMax : 0,
    };
    of.view = view;
    if (arrivalsPerSecond === undefined || now - of.listeningSince < LISTEN_MS) {
      of.why = "the queue and the pods' reports have not been observed for long enough";
      return;
    }
    const calls = {
      recent: of.reports.calls(now, CALLS_WINDOW_MS),
      newest: of.reports.calls(now, NEWEST_WINDOW_MS),
      parked: parked + of.reports.waiting(now),
    };
    const isFailing = isProviderFailing(calls, of.hold.ceiling !== undefined);
    // The age must not count parked tasks, nor any task during an outage: more pods would not make those younger.
    const ageMs = parked > 0 ? (queue.oldestWaitingMs ?? 0) : view.backlog > 0 ? queue.oldestMs : 0;
    const wanted = requiredRate({ ...view, oldestMs: isFailing ? 0 : ageMs }, scalings[channel]);
    const withoutBacklog = requiredRate({ ...view, backlog: 0, oldestMs: 0 }, scalings[channel]);
    const { hold, perSecond } = updateHold(of.hold, isFailing, { perSecond: wanted, withoutBacklog }, now);
    const active = queue.messages > 0 || due > 0 || (arrivedAt !== undefined && now - arrivedAt < ACTIVE_MS);
    of.hold = hold;
    of.rate = { kind: "known", perSecond, active, at: view.at };
    of.ratedAt = now;
    of.why = undefined;
  }

  return {
    channels,
    addReading(channel, reading) {
      const of = states.get(channel);
      if (!of) return;
      if (reading.kind === "read") update(channel, of, reading.state);
      else of.why = reading.why;
      for (const listener of listeners) listener(channel);
    },
    addReport: (channel, report) => states.get(channel)?.reports.add(report, clock.monotonic()),
    addOutbox(report) {
      outbox = { report, at: clock.monotonic() };
    },
    parked: (channel) => states.get(channel)?.reports.parked(clock.monotonic()) ?? 0,
    current(channel) {
      const of = states.get(channel);
      if (!of) return { kind: "unknown", why: `${channel} is not a channel of this installation` };
      if (of.rate && clock.monotonic() - of.ratedAt <= RATE_LIFE_MS) return of.rate;
      return { kind: "unknown", why: of.why ?? "the queue has not been read recently" };
    },
    view: (channel) => states.get(channel)?.view,
    held(channel) {
      const of = states.get(channel);
      return of !== undefined && (of.hold.ceiling !== undefined || of.why !== undefined);
    },
    watch(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

const initialState = (): ChannelState => ({
  ...{ reports: createReports(), arrivals: undefined, hold: NO_HOLD, view: undefined, rate: undefined },
  ...{ ratedAt: Number.NEGATIVE_INFINITY, readAt: Number.NEGATIVE_INFINITY, listeningSince: 0, why: "the queue has not been read yet" },
});
