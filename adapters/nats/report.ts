import type { Channel } from "../../core/delivery/channel.ts";
import { reportSubject } from "../../core/delivery/subjects.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import type { Nats } from "./connect.ts";
import { followConnection } from "./connection.ts";

/** One pod's report of its work, on core NATS. A lost report is tolerated: the next one follows in REPORT_MS. */
export interface Report {
  worker: string;
  /** Tasks returned to the queue with a delay that has not passed. */
  parked: number;
  /** Deliveries handed back to the store, because no provider may be called, whose time has not come; absent: none. */
  waiting?: number;
  /** Provider calls since the last report: ended or found stalled. A stalled call that later succeeds adds SLOW_BUT_DONE. */
  called: number;
  /** Those that failed because of the provider, stalled ones included. */
  failed: number;
  /** Time spent in them, summed over concurrent calls. */
  busyMs: number;
}

/** Between two reports of a pod. */
export const REPORT_MS = 2_000;
/** A call without an answer for this long is stalled and counts as failed: its deadline would show too late that the provider hangs. */
export const STALLED_MS = 3_000;
/**
 * Successes that a stalled call adds if it succeeds after all: more than the one failure it counted for. So a provider that is slow but answers
 * has a success rate above half, and scaling out helps, unlike for one that is unavailable.
 */
const SLOW_BUT_DONE = 2;

/** How many deliveries that it handed back a pod remembers; they take 0.8 MB. Further ones are not counted, because it matters only whether there are any. */
const WAITING_MAX = 100_000;

/** Counts the work of a dispatcher for its reports. */
export interface Workload {
  /** A task was returned to the queue with this delay. */
  givenBack(delayMs: number): void;
  /** A delivery was handed back to the store for this long. */
  handedBack(forMs: number): void;
  /** A provider call begins. Call the returned function when it ends. */
  calling(): (end: "done" | "failed") => void;
  /** The counts since the last call. */
  take(): Omit<Report, "worker">;
}

export function createWorkload(clock: Pick<Clock, "monotonic">): Workload {
  /** When each parked task is redelivered. Bounded by max_ack_pending. */
  let parkedUntil: number[] = [];
  let waitingUntil: number[] = [];
  const underWay = new Set<{ since: number; counted: boolean }>();
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
    handedBack(forMs) {
      if (waitingUntil.length < WAITING_MAX) waitingUntil.push(clock.monotonic() + forMs);
    },
    calling() {
      const call = { since: clock.monotonic(), counted: false };
      underWay.add(call);
      return (end) => {
        if (!underWay.delete(call)) return;
        if (!call.counted) count(end === "failed", clock.monotonic() - call.since);
        else if (end === "done") counts.called += SLOW_BUT_DONE;
      };
    },
    take() {
      const now = clock.monotonic();
      for (const call of underWay) {
        if (call.counted || now - call.since < STALLED_MS) continue;
        call.counted = true;
        count(true, now - call.since);
      }
      parkedUntil = parkedUntil.filter((until) => until > now);
      waitingUntil = waitingUntil.filter((until) => until > now);
      const waiting = waitingUntil.length > 0 ? { waiting: waitingUntil.length } : {};
      const report = { parked: parkedUntil.length, ...waiting, ...counts, busyMs: Math.round(counts.busyMs) };
      counts = { called: 0, failed: 0, busyMs: 0 };
      return report;
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
      // While disconnected the client would buffer reports that are outdated when they are sent.
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

/** Calls `onReport` for each report of a pod. Invalid messages are ignored. */
export function subscribeReports(
  nats: Nats,
  channels: readonly Channel[],
  onReport: (channel: Channel, report: Report) => void,
): Disposable {
  const subscriptions = channels.map((channel) =>
    nats.subscribe(reportSubject(channel), {
      callback(error, msg) {
        const report = error ? undefined : readReport(msg.data);
        if (report) onReport(channel, report);
      },
    }),
  );
  return {
    [Symbol.dispose]() {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

/** A worker's name is the host name and a few characters. */
const WORKER_CHARACTERS_MAX = 300;

/** Undefined where the bytes are not a valid report. */
export function readReport(bytes: Uint8Array): Report | undefined {
  const given = parseJson(bytes);
  if (typeof given !== "object" || given === null) return undefined;
  const { worker, parked, waiting = 0, called, failed, busyMs } = given as Partial<Record<keyof Report, unknown>>;
  const isCount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
  if (typeof worker !== "string" || worker.length > WORKER_CHARACTERS_MAX) return undefined;
  if (!isCount(parked) || !isCount(waiting) || !isCount(called) || !isCount(failed) || !isCount(busyMs)) return undefined;
  return { worker, parked, ...(waiting > 0 ? { waiting } : {}), called, failed, busyMs };
}
