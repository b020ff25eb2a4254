// The ports of the real services, wrapped so that each call of a process may fail, and watched by the checker.
import { createEventRecorder } from "../../adapters/event-recorder.ts";
import { createAppShares } from "../../adapters/nats/app-shares.ts";
import { CHECK_DEADLINE_MS } from "../../adapters/preferences/opt-outs-client.ts";
import { WATCHDOG_FIRST_MS } from "../../core/delivery/watchdog.ts";
import type { ContentStore } from "../../core/ports/content-store.ts";
import type { EventRecorder } from "../../core/ports/event-recorder.ts";
import type { OptOutAnswer, OptOuts } from "../../core/ports/opt-outs.ts";
import type { QueueDepths, QueueLag } from "../../core/ports/queue.ts";
import { OPT_OUT_BOUND } from "../../core/preferences/opt-out-bound.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import type { InvariantChecker } from "./invariant-checker.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { OptOutHistory } from "./opt-out-history.ts";
import type { SimulatedProcess } from "./process.ts";
import type { createProviders } from "./providers.ts";
import type { createRedis } from "./redis.ts";
import type { Simulation } from "./simulation.ts";
import type { Operators } from "./steering.ts";
import type { Stream } from "./stream.ts";
import { type Timing, timingParts } from "./timing.ts";

const log = createLogger("world", "silent", { write() {} });
const counted = createEventRecorder({ metrics: createMetrics("world"), log });

/** The parts that all processes share. */
export interface Surroundings {
  simulation: Simulation;
  store: MemoryStore;
  stream: Stream;
  redis: ReturnType<typeof createRedis>;
  providers: ReturnType<typeof createProviders>;
  optOutHistory: OptOutHistory;
  checker: InvariantChecker;
  timing: Timing;
  /** Who pauses and resumes; absent in worlds where nobody does. */
  operators: Operators | undefined;
  /** Whether the store writes outcomes and changes at once, as SQLite does and MongoDB does not. */
  settlesAtOnce: boolean;
  /** After which the stream delivers a message again that was not settled. */
  ackWaitMs: number;
}

function contentsOf({ store, checker }: Surroundings, process: SimulatedProcess): ContentStore {
  const { contents } = store;
  const watched = {
    ...contents,
    async get(app: string, hash: string) {
      const content = await contents.get(app, hash);
      // Judged now: when the answer arrives, a notification may use it that was not there yet.
      if (content === undefined) checker.contentMissing(hash);
      return content;
    },
  };
  return process.wrap("contents", watched, "store");
}

/** Kinds of events that an insert or a task causes, not a change. */
const UNCHANGED: ReadonlySet<string> = new Set(["accepted", "attempted", "published"]);

/** Counts events as in production, and checks that the store has applied the change of each. */
function recorderOf({ simulation, store }: Surroundings): EventRecorder {
  return {
    record(events) {
      for (const { kind, deliveryId, attempt, state } of events)
        if (!UNCHANGED.has(kind) && kind !== "suppressed" && !store.notifications.inside.was(deliveryId, attempt, state))
          simulation.broken("2 an event belongs to an applied change", `${deliveryId} ${kind}`);
      counted.record(events);
    },
  };
}

export function portsOf(around: Surroundings, process: SimulatedProcess) {
  const { simulation, store, stream, checker } = around;
  const attempts = process.wrap("attempts", store.attempts, "store");
  const idsOf = (of: readonly { id: string }[], applied: readonly boolean[]) => of.filter((_, i) => applied[i]).map(({ id }) => id);
  const watched: typeof attempts = {
    ...attempts,
    async claim(all) {
      const applied = await attempts.claim(all).catch((error: unknown) => {
        checker.claimUnconfirmed(all);
        throw error;
      });
      checker.claimAnswered(all);
      checker.applied("claim", idsOf(all, applied));
      return applied;
    },
    async record(results) {
      const applied = await attempts.record(results);
      checker.outcomeAnswered(process, results);
      checker.applied("outcome", idsOf(results, applied));
      return applied;
    },
  };
  const { settle } = process.wrap("store", { settle: store.settle }, "store");
  const watchedSettle: typeof settle = async (ends) => {
    const written = await settle(ends);
    checker.applied(
      "outcome",
      ends.flatMap(({ result }, i) => (written[i]!.recorded ? [result.id] : [])),
    );
    return written;
  };
  const wrapped = {
    ...(around.settlesAtOnce ? { settle: watchedSettle } : {}),
    notifications: process.wrap("notifications", store.notifications, "store"),
    attempts: watched,
    contents: contentsOf(around, process),
    blobs: process.wrap("blobs", store.blobs, "store"),
    contacts: process.wrap("contacts", store.contacts, "store"),
    preferences: { ...store.preferences, ...process.wrap("preferences", { update: store.preferences.update }, "store") },
    poison: process.wrap("poison", store.poison, "store"),
  };
  const publisher = process.wrap("stream", { publish: stream.publish }, "remote");
  const { clock, failpoint } = process;
  const asked = process.wrap("stream", { oldestWaitingMs: stream.oldestWaitingMs }, "remote");
  const queue: QueueLag = {
    async waitingSince(channel, notificationClass) {
      const now = clock.now();
      const age = await asked.oldestWaitingMs(channel, notificationClass);
      return age === undefined ? undefined : now - age;
    },
  };
  const depths: QueueDepths = { read: process.wrap("stream", { depth: stream.depth }, "remote").depth };
  return {
    ...timingParts(around, process),
    ...(around.operators && { steering: around.operators.readerOf(process, log) }),
    store: wrapped,
    shares: createAppShares({ depths: { read: (...of) => depths.read(...of).catch(() => undefined) }, apps: store.apps, clock }),
    publisher,
    queue,
    clock,
    failpoint,
    recorder: recorderOf(around),
    log,
    random: simulation.random.next,
    worker: process.name,
    watchdogFirstMs: WATCHDOG_FIRST_MS,
  };
}

/** Answers late, from stale data, or not at all. */
export function optOutsOf({ simulation, optOutHistory }: Surroundings, process: SimulatedProcess): OptOuts {
  const { time, random } = simulation;
  const ask = process.wrap(
    "preferences",
    {
      async check(questions: Parameters<OptOuts["check"]>[0]): Promise<OptOutAnswer[]> {
        const age = simulation.happens("preferences stale", 0.3) ? OPT_OUT_BOUND.trustMs + OPT_OUT_BOUND.cacheMs : 0;
        return questions.map(({ userId }) => (optOutHistory.isOptedOut(userId ?? "", time.now() - age) ? "opted-out" : "allowed"));
      },
    },
    "remote",
  );
  return {
    async check(questions) {
      const began = time.now();
      const unknown = questions.map((): OptOutAnswer => "unknown");
      if (simulation.happens("preferences unreadable", 0.05)) return unknown;
      // The client times out, also when the process was paused meanwhile.
      const limit = { clock: process.clock, limitMs: CHECK_DEADLINE_MS + random.below(3) };
      const answers = await withDeadline(ask.check(questions), limit, () => unknown);
      return time.now() - began > CHECK_DEADLINE_MS ? unknown : answers;
    },
  };
}
