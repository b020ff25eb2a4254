import type { Channel } from "../../core/delivery/channel.ts";
import { reportSubject } from "../../core/delivery/subjects.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Nats } from "./connect.ts";
import { followConnection } from "./connection.ts";

/** What one pod tells of its work, on core NATS: the next report makes up for a lost one. */
export interface Report {
  worker: string;
  /** Tasks given back with a delay that has not passed. */
  parked: number;
  /** Provider calls since the last report: ended, or found to be stalled; what ended well after that counts twice more. */
  called: number;
  /** Those of them that failed by the provider's fault. */
  failed: number;
  /** Time spent in them, summed over calls side by side. */
  busyMs: number;
}

/** Between two reports of a pod. */
export const REPORT_MS = 2_000;
/** A call without an answer for so long counts as failed by then: its deadline would tell too late that the provider hangs. */
export const STALLED_MS = 3_000;
/**
 * Calls that a call counts for which is done after all: more than it counted for as a stalled one. Of a provider that is slow but answers, most
 * then goes well; more pods help it, where they would not help one that is away.
 */
const SLOW_BUT_DONE = 2;

/** What the parts of a dispatcher tell as they work. */
export interface Workload {
  /** A task went back to the queue for so long. */
  givenBack(delayMs: number): void;
  /** A provider call begins. Tell what is returned how it ended. */
  calling(): (end: "done" | "failed") => void;
  /** Counted since the last time this was asked. */
  take(): Omit<Report, "worker">;
}

export function createWorkload(clock: Pick<Clock, "monotonic">): Workload {
  /** When each parked task may come back. As many as NATS hands out at once, at most. */
  let parkedUntil: number[] = [];
  const underWay = new Set<{ since: number; told: boolean }>();
  let counts = { called: 0, failed: 0, busyMs: 0 };
  const count = (failed: boolean, tookMs: number) => {
    counts.called++;
    if (failed) counts.failed++;
    counts.busyMs += tookMs;
  };
  return {
    givenBack(delayMs) {
      parkedUntil.push(clock.monotonic() + delayMs);
    },
    calling() {
      const call = { since: clock.monotonic(), told: false };
      underWay.add(call);
      return (end) => {
        if (!underWay.delete(call)) return;
        if (!call.told) count(end === "failed", clock.monotonic() - call.since);
        else if (end === "done") counts.called += SLOW_BUT_DONE;
      };
    },
    take() {
      const now = clock.monotonic();
      for (const call of underWay) {
        if (call.told || now - call.since < STALLED_MS) continue;
        call.told = true;
        count(true, now - call.since);
      }
      parkedUntil = parkedUntil.filter((until) => until > now);
      const taken = { parked: parkedUntil.length, ...counts, busyMs: Math.round(counts.busyMs) };
      counts = { called: 0, failed: 0, busyMs: 0 };
      return taken;
    },
  };
}

/** Reports every REPORT_MS until disposed of. */
export function startReporting(
  nats: Nats,
  { channel, worker, workload, clock }: { channel: Channel; worker: string; workload: Workload; clock: Clock },
): AsyncDisposable {
  const stopping = new AbortController();
  const lost = followConnection(nats);
  const reporting = (async () => {
    for (;;) {
      await clock.sleep(REPORT_MS, stopping.signal);
      if (stopping.signal.aborted) return;
      // Disconnected, the client would keep what is stale by the time it is sent.
      if (lost().aborted || nats.isClosed()) continue;
      const report: Report = { worker, ...workload.take() };
      nats.publish(reportSubject(channel), JSON.stringify(report));
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await reporting;
    },
  };
}

/** Hears what pods report. What is no report is passed over. */
export function subscribeReports(nats: Nats, channels: readonly Channel[], heard: (channel: Channel, report: Report) => void): Disposable {
  const subscriptions = channels.map((channel) =>
    nats.subscribe(reportSubject(channel), {
      callback(error, msg) {
        const report = error ? undefined : readReport(msg.data);
        if (report) heard(channel, report);
      },
    }),
  );
  return {
    [Symbol.dispose]() {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

/** A worker's name is its host's and a few characters. */
const WORKER_CHARACTERS_MAX = 300;

/** Undefined where the bytes are no report. */
export function readReport(bytes: Uint8Array): Report | undefined {
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof given !== "object" || given === null) return undefined;
  const { worker, parked, called, failed, busyMs } = given as Partial<Record<keyof Report, unknown>>;
  const isCount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
  if (typeof worker !== "string" || worker.length > WORKER_CHARACTERS_MAX) return undefined;
  if (!isCount(parked) || !isCount(called) || !isCount(failed) || !isCount(busyMs)) return undefined;
  return { worker, parked, called, failed, busyMs };
}
