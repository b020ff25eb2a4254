// The real dispatcher from its start queue to the provider, in a simulated process that may die at any call.
import { ProxyTracerProvider } from "@opentelemetry/api";
import { createClaimGate } from "../../adapters/redis/claims.ts";
import { createCrashCounter } from "../../adapters/redis/crash-counter.ts";
import { type Channel, CLASSES } from "../../core/delivery/channel.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { ALWAYS } from "../../core/ports/provider.ts";
import type { DeliveryTask, Settlement, TaskCopy } from "../../core/ports/queue.ts";
import { noPreferences } from "../../core/preferences/opt-out.ts";
import { createContentLoader } from "../../dispatchers/content-loader.ts";
import { createDispatch } from "../../dispatchers/dispatch.ts";
import type { DispatchParts } from "../../dispatchers/dispatch-parts.ts";
import { createDispatchMetrics } from "../../dispatchers/metrics.ts";
import { createPoisonGuard } from "../../dispatchers/poison-guard.ts";
import { createStartQueue, heldOf } from "../../dispatchers/start-queue.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { optOutsOf, portsOf, type Surroundings } from "./ports.ts";
import type { SimulatedProcess } from "./process.ts";
import { PROVIDER_DEADLINE_MS } from "./providers.ts";
import { clientOf } from "./redis.ts";
import type { Consumer } from "./stream.ts";

const metrics = createDispatchMetrics(createMetrics("dispatcher"));
const tracer = new ProxyTracerProvider().getTracer("world");

/** Longer than an answer about opt-outs may be used. */
const CONNECTION_MS_MAX = 3_000;
/** Tasks of a class that a dispatcher handles at the same time: few, so that some wait for their turn. */
const IN_FLIGHT = 4;
/** The consumer's delay before it redelivers a task whose handler threw. */
const FAULT_WAIT_MS = 2_000;
/** The simulated channels' providers, and whether they send receipts and answer status queries. */
const SIMULATED: Partial<Record<Channel, { names: readonly string[]; sendsReceipts: boolean }>> = {
  sms: { names: ["twilio", "vonage"], sendsReceipts: true },
  fcm: { names: ["fcm"], sendsReceipts: false },
};

export interface Dispatcher extends Consumer {
  /** It handles nothing. */
  readonly idle: boolean;
  readonly drains: boolean;
  /** It pulls nothing more, gives back what has not begun, and finishes the rest. */
  drain(): void;
}

export function createDispatcher(around: Surroundings, process: SimulatedProcess): Dispatcher {
  const { simulation, providers, checker } = around;
  const ports = portsOf(around, process);
  const optOuts = optOutsOf(around, process);
  const { find, update } = ports.store.preferences;
  const preferences: DispatchParts["preferences"] = {
    get: async (app, subject) => (await find(app, [subject]))[0] ?? noPreferences(app, subject),
    update: (app, subject, change) => update(app, subject, change, process.clock.now()),
  };
  const redis = clientOf(around.redis, process);
  const gate = createClaimGate(redis, process.clock);
  const calling = (holder: string) => startQueue.calling(holder);
  const observed = (name: string, sendsReceipts: boolean) => {
    const provider = providers.provider(name, sendsReceipts);
    const send = process.wrap(name, { send: provider.send }, "provider").send;
    const statusQuery = provider.statusQuery && process.wrap(name, { statusQuery: provider.statusQuery }, "remote").statusQuery;
    return {
      name,
      async send(delivery: Parameters<typeof send>[0], signal: AbortSignal, mayBegin = ALWAYS): Promise<Outcome> {
        if (simulation.happens("slow connection", 0.05)) await process.clock.sleep(simulation.random.below(CONNECTION_MS_MAX));
        if (signal.aborted || !mayBegin()) return { kind: "unavailable", fault: { code: "deadline" } };
        if (!process.dead) checker.callStarted(process, delivery, name);
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
          createDispatch({ ...ports, ...of, optOuts, preferences, gate, tracer, deadlineMs: PROVIDER_DEADLINE_MS, metrics, calling }),
          { ...ports, channel, metrics },
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
    metrics,
  });
  const draining = new AbortController();
  /** Copies whose turn came. */
  const begun = new WeakSet<TaskCopy>();
  const begin = (copy: TaskCopy) => {
    begun.add(copy);
    return guarded(copy);
  };
  const startQueue = createStartQueue(begin, {
    ...{ inFlightMax: IN_FLIGHT, ackWaitMs: around.ackWaitMs, clock: process.clock, signal: draining.signal },
    weightOf: () => 1,
    createUtilization: () => simulation.random.next,
  });
  const held = Object.fromEntries(CLASSES.map((c) => [c, 0])) as Record<(typeof CLASSES)[number], number>;
  return {
    hasRoom: (c) => !process.dead && !draining.signal.aborted && held[c] < heldOf(c, IN_FLIGHT),
    get idle() {
      return CLASSES.every((c) => held[c] === 0);
    },
    get drains() {
      return draining.signal.aborted;
    },
    drain: () => draining.abort(),
    async handle(given, sequence) {
      const copy: TaskCopy = { ...given, holder: `${process.name}:${sequence}` };
      held[copy.notificationClass]++;
      await process.awake();
      const fault = (): Settlement => ({ kind: "nak", delayMs: FAULT_WAIT_MS });
      const settlement = await startQueue.handle(copy).catch(fault);
      if (settlement.kind === "nak" && settlement.ready) simulation.happened("task returned before its turn");
      if (settlement.kind === "ack" && !begun.has(copy)) simulation.broken("2 what is acknowledged was handled", copy.messageId);
      held[copy.notificationClass]--;
      return process.dead ? new Promise<never>(() => {}) : settlement;
    },
  };
}
