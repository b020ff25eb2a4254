import type { QueueReading, QueueState } from "../adapters/nats/queue-state.ts";
import type { Report } from "../adapters/nats/report.ts";
import type { Channel } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import { type ChannelScaling, requiredRate } from "../core/scaling/scaling.ts";
import { type Arrivals, followArrivals } from "./arrivals.ts";
import { FREE, followHold, type Hold, isProviderAway } from "./hold.ts";
import { CALLS_MS, createReports, NEWEST_CALLS_MS, REPORT_LIFE_MS, type Reports } from "./reports.ts";
import type { RequiredRate, RequiredRates } from "./required.ts";

/** A rate is given out for so long after the reading it follows from. Then nobody knows, and who scales keeps the pods there are. */
export const RATE_LIFE_MS = 30_000;
/** Pods' reports are listened for so long before a rate is believed: two reports of each, without which parked tasks look like work. */
export const LISTEN_MS = 5_000;
/** A channel stays active for so long after its last task, so that the last pod does not come and go. */
export const ACTIVE_MS = 60_000;

export type Scalings = Readonly<Record<Channel, ChannelScaling>>;

/** What a channel's rate was worked out from. */
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
  /** After each reading of a channel's queue. */
  read(channel: Channel, reading: QueueReading): void;
  heard(channel: Channel, report: Report): void;
  parked(channel: Channel): number;
  /** The last reading that succeeded. */
  view(channel: Channel): ChannelView | undefined;
  /** Whether an outage or a lost sample holds the rate. */
  held(channel: Channel): boolean;
  /** Calls after each reading of a channel. */
  watch(listener: (channel: Channel) => void): Disposable;
}

interface Followed {
  reports: Reports;
  arrivals: Arrivals | undefined;
  hold: Hold;
  view: ChannelView | undefined;
  rate: (RequiredRate & { kind: "known" }) | undefined;
  /** Of `rate`, by the monotonic clock. */
  ratedAt: number;
  /** Of the last reading that succeeded, and of the first one after a gap, by the monotonic clock. */
  readAt: number;
  listeningSince: number;
  /** Why there is no newer rate; undefined while there is one. */
  why: string | undefined;
}

export function createRates(channels: readonly Channel[], scalings: Scalings, clock: Pick<Clock, "now" | "monotonic">): Rates {
  const followed = new Map<Channel, Followed>(channels.map((channel) => [channel, beginning()]));
  const listeners = new Set<(channel: Channel) => void>();

  function take(channel: Channel, of: Followed, state: QueueState): void {
    const now = clock.monotonic();
    const parked = of.reports.parked(now);
    if (now - of.readAt > REPORT_LIFE_MS) of.listeningSince = now;
    of.readAt = now;
    of.arrivals = followArrivals(of.arrivals, state, now);
    const { perSecond: arrivalsPerSecond, arrivedAt } = of.arrivals;
    const view: ChannelView = {
      backlog: Math.max(0, state.waiting + state.handedOut - parked),
      parked,
      arrivalsPerSecond: arrivalsPerSecond ?? 0,
      ...{ oldestMs: state.oldestMs, ackPendingRatio: state.ackPendingRatio, at: clock.now() },
      bytesRatio: state.bytesMax > 0 ? state.bytes / state.bytesMax : 0,
    };
    of.view = view;
    if (arrivalsPerSecond === undefined || now - of.listeningSince < LISTEN_MS) {
      of.why = "the queue and the pods' reports have been followed for too short a time";
      return;
    }
    const seen = { recent: of.reports.calls(now, CALLS_MS), newest: of.reports.calls(now, NEWEST_CALLS_MS), parked };
    const away = isProviderAway(seen, of.hold.ceiling !== undefined);
    // Parked tasks are old by nature, and in an outage all are.
    const ageMs = parked > 0 ? (state.oldestWaitingMs ?? 0) : view.backlog > 0 ? state.oldestMs : 0;
    const wanted = requiredRate({ ...view, oldestMs: away ? 0 : ageMs }, scalings[channel]);
    const atRest = requiredRate({ ...view, backlog: 0, oldestMs: 0 }, scalings[channel]);
    const { hold, perSecond } = followHold(of.hold, away, { perSecond: wanted, atRest }, now);
    const active = state.messages > 0 || (arrivedAt !== undefined && now - arrivedAt < ACTIVE_MS);
    of.hold = hold;
    of.rate = { kind: "known", perSecond, active, at: view.at };
    of.ratedAt = now;
    of.why = undefined;
  }

  return {
    channels,
    read(channel, reading) {
      const of = followed.get(channel);
      if (!of) return;
      if (reading.kind === "read") take(channel, of, reading.state);
      else of.why = reading.why;
      for (const listener of listeners) listener(channel);
    },
    heard: (channel, report) => followed.get(channel)?.reports.heard(report, clock.monotonic()),
    parked: (channel) => followed.get(channel)?.reports.parked(clock.monotonic()) ?? 0,
    current(channel) {
      const of = followed.get(channel);
      if (!of) return { kind: "unknown", why: `${channel} is no channel of this installation` };
      if (of.rate && clock.monotonic() - of.ratedAt <= RATE_LIFE_MS) return of.rate;
      return { kind: "unknown", why: of.why ?? "the queue was not read lately" };
    },
    view: (channel) => followed.get(channel)?.view,
    held(channel) {
      const of = followed.get(channel);
      return of !== undefined && (of.hold.ceiling !== undefined || of.why !== undefined);
    },
    watch(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

const beginning = (): Followed => ({
  ...{ reports: createReports(), arrivals: undefined, hold: FREE, view: undefined, rate: undefined },
  ...{ ratedAt: Number.NEGATIVE_INFINITY, readAt: Number.NEGATIVE_INFINITY, listeningSince: 0, why: "the queue was not read yet" },
});
