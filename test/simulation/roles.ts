// The real services, each in a simulated process that may die at any call. Their main.ts connects them to servers; this connects them to the
// simulated parts.
import { ProxyTracerProvider } from "@opentelemetry/api";
import { createEventRecorder } from "../../adapters/event-recorder.ts";
import { createAppShares } from "../../adapters/nats/app-shares.ts";
import { CHECK_DEADLINE_MS } from "../../adapters/preferences/opt-outs-client.ts";
import { createClaimGate } from "../../adapters/redis/claims.ts";
import { createCrashCounter } from "../../adapters/redis/crash-counter.ts";
import type { ContentBounds } from "../../core/content/reference.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import { UNCERTAIN_WAIT_MS } from "../../core/delivery/decide.ts";
import { IN_DOUBT_REPEATS } from "../../core/delivery/in-doubt.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Receipt } from "../../core/delivery/receipt.ts";
import { WATCHDOG_FIRST_MS } from "../../core/delivery/watchdog.ts";
import type { ContentStore } from "../../core/ports/content-store.ts";
import type { EventRecorder } from "../../core/ports/event-recorder.ts";
import type { OptOutAnswer, OptOuts } from "../../core/ports/opt-outs.ts";
import { ALWAYS } from "../../core/ports/provider.ts";
import type { DeliveryTask, QueueDepths, QueueLag, Settlement } from "../../core/ports/queue.ts";
import { OPT_OUT_BOUND } from "../../core/preferences/opt-out-bound.ts";
import { createContentLoader } from "../../dispatchers/content-loader.ts";
import { createDispatch } from "../../dispatchers/dispatch.ts";
import { createDispatchMetrics } from "../../dispatchers/metrics.ts";
import { createPoisonGuard } from "../../dispatchers/poison-guard.ts";
import { createReceipts } from "../../feedback/apply.ts";
import { createFeedbackMetrics } from "../../feedback/metrics.ts";
import { type Accept, createAccept } from "../../gateway/accept.ts";
import { createGatewayMetrics } from "../../gateway/metrics.ts";
import { confirmationOf, PROVIDERS } from "../../providers/list.ts";
import { createRelayMetrics } from "../../relay/metrics.ts";
import type { Outbox } from "../../relay/outbox.ts";
import { createRelay } from "../../relay/relay.ts";
import { callError } from "../../runtime/call-error.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { noQuotas } from "../support/no-quotas.ts";
import type { InvariantChecker } from "./invariant-checker.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { OptOutHistory } from "./opt-out-history.ts";
import type { SimulatedProcess } from "./process.ts";
import { type createProviders, PROVIDER_DEADLINE_MS } from "./providers.ts";
import { clientOf, type createRedis } from "./redis.ts";
import type { Simulation } from "./simulation.ts";
import type { Consumer, Stream } from "./stream.ts";

const log = createLogger("world", "silent", { write() {} });
const dispatchMetrics = createDispatchMetrics(createMetrics("dispatcher"));
const relayMetrics = createRelayMetrics(createMetrics("relay"));
const feedbackMetrics = createFeedbackMetrics(createMetrics("feedback"));
const gatewayMetrics = createGatewayMetrics(createMetrics("gateway"));
const counted = createEventRecorder({ metrics: createMetrics("world"), log });
const tracer = new ProxyTracerProvider().getTracer("world");

/** As the roles are configured: some providers answer status queries, some do not. */
const statusQueryFirstMs = (provider: string) => PROVIDERS.find(({ name }) => name === provider)?.statusQuery?.firstMs;
const inDoubt = { uncertainWaitMs: UNCERTAIN_WAIT_MS, inDoubtRepeats: IN_DOUBT_REPEATS, confirmationOf, statusQueryFirstMs };

/** Longer than an answer about opt-outs may be used. */
const CONNECTION_MS_MAX = 3_000;
export const POLL_MS = 1_000;
/** Tasks that a dispatcher handles at the same time. */
const IN_FLIGHT = 4;
const atLimit = callError("RESOURCE_EXHAUSTED", "RATE_LIMITED", "at a limit", { retryAfterMs: 1_000 });
/** Requests that may wait for an insert in one gateway. */
const INSERTS_WAITING_MAX = 3;

/** Contents that one purge removes at most. */
const PURGE_MAX = 3;

/** The parts that all processes share. */
export interface Surroundings {
  simulation: Simulation;
  store: MemoryStore;
  stream: Stream;
  redis: ReturnType<typeof createRedis>;
  providers: ReturnType<typeof createProviders>;
  optOutHistory: OptOutHistory;
  checker: InvariantChecker;
  /** After which the stream delivers a message again that was not settled. */
  ackWaitMs: number;
}

/** Small, so that some texts are stored by reference; kept only briefly after their last use, so that purges and new uses coincide. */
const CONTENT_BOUNDS: ContentBounds = { inlineBytesMax: 64, keepMs: 2_000, keepStepMs: 1 };

function contentsOf({ store, checker }: Surroundings, process: SimulatedProcess): ContentStore {
  const contents = process.wrap("contents", store.contents, "store");
  return {
    ...contents,
    async get(app, hash) {
      const content = await contents.get(app, hash);
      if (content === undefined) checker.contentMissing(hash);
      return content;
    },
  };
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

/** Returns a function that removes the contents whose time to be kept is over. */
export function createPurger({ store, checker, simulation }: Surroundings, process: SimulatedProcess): () => Promise<void> {
  const contents = process.wrap("contents", store.contents, "store");
  return async () => {
    // Most purges would remove nothing.
    if (!store.contents.inside.areOld(process.clock.now())) return;
    const removed = await contents.purge(process.clock.now(), PURGE_MAX).catch(() => 0);
    if (removed > 0) simulation.happened("content purged");
    checker.purged();
  };
}

function portsOf(around: Surroundings, process: SimulatedProcess) {
  const { simulation, store, stream, checker } = around;
  const attempts = process.wrap("attempts", store.attempts, "store");
  const idsOf = (of: readonly { id: string }[], applied: readonly boolean[]) => of.filter((_, i) => applied[i]).map(({ id }) => id);
  const watched: typeof attempts = {
    ...attempts,
    async claim(all) {
      const applied = await attempts.claim(all);
      checker.applied("claim", idsOf(all, applied));
      return applied;
    },
    async record(results) {
      const applied = await attempts.record(results);
      checker.applied("outcome", idsOf(results, applied));
      return applied;
    },
  };
  const wrapped = {
    notifications: process.wrap("notifications", store.notifications, "store"),
    attempts: watched,
    contents: contentsOf(around, process),
    contacts: process.wrap("contacts", store.contacts, "store"),
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
function optOutsOf({ simulation, optOutHistory }: Surroundings, process: SimulatedProcess): OptOuts {
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

export function createGateway(around: Surroundings, process: SimulatedProcess): Accept {
  return createAccept({
    ...portsOf(around, process),
    optOuts: optOutsOf(around, process),
    contentBounds: CONTENT_BOUNDS,
    load: { isFull: () => around.simulation.happens("overload", 0.05), accepted: () => {}, run: async () => {} },
    quotas: {
      ...noQuotas,
      takeRate: async (_app, classes) => classes.map(() => (around.simulation.happens("at a limit", 0.05) ? atLimit : undefined)),
    },
    ...{ pushHosts: [], insertsWaitingMax: INSERTS_WAITING_MAX, metrics: gatewayMetrics },
  });
}

export function createRelayRole(around: Surroundings, process: SimulatedProcess): Outbox {
  const ports = portsOf(around, process);
  const { attempts } = ports.store;
  const record: typeof attempts.record = (results) => {
    if (!process.dead)
      around.checker.declaredLost(
        process,
        results.map((r) => r.id),
      );
    return attempts.record(results);
  };
  const store = { ...ports.store, attempts: { ...attempts, record } };
  return createRelay({ ...ports, store, pollMs: POLL_MS, ...inDoubt, metrics: relayMetrics });
}

export function createFeedback(around: Surroundings, process: SimulatedProcess) {
  const { store, recorder, clock, worker, failpoint } = portsOf(around, process);
  const receipts = createReceipts({ store, recorder, clock, log, worker, failpoint, metrics: feedbackMetrics });
  return { apply: (receipt: Receipt) => receipts.apply([receipt]) };
}

export interface Dispatcher extends Consumer {
  readonly idle: boolean;
}

/** The consumer's delay before it redelivers a task whose handler threw. */
const FAULT_WAIT_MS = 2_000;
/** The simulated channels' providers, and whether they send receipts and answer status queries. */
const SIMULATED: Partial<Record<Channel, { names: readonly string[]; sendsReceipts: boolean }>> = {
  sms: { names: ["twilio", "vonage"], sendsReceipts: true },
  fcm: { names: ["fcm"], sendsReceipts: false },
};

/** @param acceptsWork whether it still starts tasks: false while it drains */
export function createDispatcher(around: Surroundings, process: SimulatedProcess, acceptsWork: () => boolean): Dispatcher {
  const { simulation, providers, checker } = around;
  const ports = portsOf(around, process);
  const optOuts = optOutsOf(around, process);
  const redis = clientOf(around.redis, process);
  const gate = createClaimGate(redis, process.clock);
  const observed = (name: string, sendsReceipts: boolean) => {
    const provider = providers.provider(name, sendsReceipts);
    const send = process.wrap(name, { send: provider.send }, "provider").send;
    const statusQuery = provider.statusQuery && process.wrap(name, { statusQuery: provider.statusQuery }, "remote").statusQuery;
    return {
      name,
      async send(delivery: Parameters<typeof send>[0], signal: AbortSignal, mayBegin = ALWAYS): Promise<Outcome> {
        if (simulation.happens("slow connection", 0.05)) await process.clock.sleep(simulation.random.below(CONNECTION_MS_MAX));
        if (signal.aborted || !mayBegin()) return { kind: "unavailable", fault: { code: "deadline" } };
        if (!process.dead) checker.callStarted(process, delivery);
        const outcome = await send(delivery, signal);
        checker.callAnswered(delivery);
        return outcome;
      },
      ...(statusQuery ? { statusQuery } : {}),
      [Symbol.asyncDispose]: async () => {},
    };
  };
  const dispatches = new Map(
    (Object.keys(SIMULATED) as Channel[]).map((channel) => {
      const { names, sendsReceipts } = SIMULATED[channel]!;
      const of = { channel, providers: names.map((name) => observed(name, sendsReceipts)) };
      return [
        channel,
        createContentLoader(
          createDispatch({ ...ports, ...of, optOuts, gate, tracer, deadlineMs: PROVIDER_DEADLINE_MS, metrics: dispatchMetrics }),
          { ...ports, channel, metrics: dispatchMetrics },
        ),
      ];
    }),
  );
  async function observe(task: DeliveryTask, holder: string): Promise<Settlement> {
    const ends = checker.taskStarted(process, task);
    const settlement = await dispatches.get(task.channel)!(task, holder).catch((): Settlement => ({ kind: "nak", delayMs: FAULT_WAIT_MS }));
    // A dead process never settles a task.
    if (process.dead) return new Promise<never>(() => {});
    ends(settlement);
    return settlement;
  }
  const guarded = createPoisonGuard(observe, {
    ...ports,
    crashCounter: createCrashCounter(redis, around.ackWaitMs, process.clock),
    ackWaitMs: around.ackWaitMs,
    metrics: dispatchMetrics,
  });
  let inFlight = 0;
  return {
    hasRoom: () => !process.dead && inFlight < IN_FLIGHT && acceptsWork(),
    get idle() {
      return inFlight === 0;
    },
    async handle(copy, sequence) {
      inFlight++;
      await process.awake();
      const fault = (): Settlement => ({ kind: "nak", delayMs: FAULT_WAIT_MS });
      const settlement = await guarded({ ...copy, holder: `${process.name}:${sequence}` }).catch(fault);
      inFlight--;
      return process.dead ? new Promise<never>(() => {}) : settlement;
    },
  };
}
