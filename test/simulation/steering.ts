// Operators who pause, drain and resume parts of the traffic, in some worlds: nothing paused is sent, and what was resumed goes out soon.
import { createSteeringReader } from "../../adapters/store/steering-reader.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { waitsInStore } from "../../core/steering/release.ts";
import { pauseOf, STEERING_BOUND_MS } from "../../core/steering/steering.ts";
import { type Target, targetKey } from "../../core/steering/target.ts";
import { pause, resume } from "../../operations/steering/pauses.ts";
import type { Logger } from "../../runtime/logger.ts";
import { APP } from "./callers.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Simulation } from "./simulation.ts";

const PAUSES_MAX = 4;
/** How long each lasts, in ms: shorter than it takes effect, or longer than faults last in most worlds. */
const PAUSED_MS = [3_000, 40_000, 1_200_000];
const TARGETS: readonly Target[] = [
  { kind: "channel", value: "sms" },
  { kind: "channel", value: "fcm" },
  { kind: "class", value: "critical" },
  { kind: "class", value: "marketing" },
  { kind: "app", value: APP.id },
  { kind: "account", value: "twilio" },
  { kind: "account", value: "vonage/default" },
];
/** Longer than a read of what is paused may take. */
const READ_MS_MAX = 1_000;
/** Between two rounds in which a relay makes due what was resumed, in ms. */
const RESUME_EVERY_MS = 2_000;
/** Without faults, what was resumed is due within this, in ms: a relay makes it due, and another one finishes what a dead one had leased. */
const RELEASED_WITHIN_MS = 150_000;
const ORDER = { actor: "operator", reason: "made up" };

/** By the seed alone, so that the other worlds are as they were. */
export const isSteered = (seed: number): boolean => seed % 4 === 1;

interface Period {
  target: Target;
  from: number;
  /** Absent while it lasts. */
  until?: number;
}

export type Operators = ReturnType<typeof createOperators>;

export function createOperators(simulation: Simulation, store: MemoryStore) {
  const { time, random } = simulation;
  const periods: Period[] = [];
  /** When each process last read in vain, or too slowly. */
  const failedAt = new Map<SimulatedProcess, number>();
  /** From then on nothing that was injected is in effect. */
  let quietFrom = Number.POSITIVE_INFINITY;

  async function pauseForAWhile(ms: number): Promise<void> {
    const target = random.pick(TARGETS);
    if (periods.some((p) => p.until === undefined && targetKey(p.target) === targetKey(target))) return;
    if (target.kind === "app") await store.apps.change(target.value, () => APP);
    const isDrain = target.value === "twilio" && random.chance(0.5);
    const record = { target, state: isDrain ? ("drained" as const) : ("paused" as const), ...ORDER, at: time.now() };
    await (isDrain ? store.steering.put(record) : pause({ store, providers: [] }, { target, mayReplace: true, ...ORDER }));
    const period: Period = { target, from: time.now() };
    periods.push(period);
    simulation.happened("traffic paused");
    simulation.note("operator", `${record.state} ${targetKey(target)}`);
    time.after(ms, () => void resumeIt(period));
  }

  async function resumeIt(period: Period): Promise<void> {
    await resume(store, { target: period.target, ...ORDER });
    period.until = time.now();
    simulation.note("operator", `resumes ${targetKey(period.target)}`);
    time.after(RELEASED_WITHIN_MS, () => void judgeRelease(period));
  }

  /** Only where there was no fault since it was resumed. */
  async function judgeRelease({ until = 0 }: Period): Promise<void> {
    if (until < quietFrom) return;
    const steering = await store.steering.list();
    for (const n of store.notifications.inside.values())
      for (const d of n.deliveries) {
        if (d.reason?.code !== "paused" || !waitsInStore(d, time.now())) continue;
        // The reason names what held it; that may have been resumed just now.
        const isReleased = periods.some(
          (p) => targetKey(p.target) === d.reason?.detail && time.now() - (p.until ?? time.now()) < RELEASED_WITHIN_MS,
        );
        const isHeld =
          isReleased ||
          steering.some(({ target, state }) => state !== "resumed" && targetKey(target) === d.reason?.detail) ||
          pauseOf({ app: n.app, notificationClass: n.notificationClass, channel: d.channel }, steering, time.now()) !== undefined;
        if (!isHeld) simulation.broken("9 what was resumed is due soon", d.id);
      }
  }

  return {
    /** Begins the pauses; returns when the last one has ended. */
    begin(someTime: () => number, quietAt: number): number {
      quietFrom = quietAt;
      let endsAt = time.now();
      for (let i = 1 + random.below(PAUSES_MAX); i > 0; i--) {
        const [at, ms] = [someTime(), random.pick(PAUSED_MS)];
        endsAt = Math.max(endsAt, time.now() + at + ms);
        time.after(at, () => void pauseForAWhile(ms));
      }
      return endsAt;
    },

    /** Has some relay do a round of resuming every RESUME_EVERY_MS while anything is paused or resumed. */
    keepResuming(resume: () => void): void {
      const again = async () => {
        if ((await store.steering.list()).length > 0) resume();
        if (simulation.faulty || periods.some((p) => p.until === undefined) || (await store.steering.list()).length > 0)
          time.after(RESUME_EVERY_MS, () => void again());
      };
      void again();
    },

    /** A provider call begins. */
    judge(process: SimulatedProcess, delivery: OutboundDelivery, provider: string, { app }: { app: string }): void {
      const now = time.now();
      // While a process cannot read what is paused, it goes by what it knew.
      if (now - (failedAt.get(process) ?? Number.NEGATIVE_INFINITY) <= STEERING_BOUND_MS) return;
      const { channel, notificationClass, attemptId } = delivery;
      const own: Readonly<Record<Target["kind"], readonly string[]>> = {
        ...{ app: [app], channel: [channel], class: [notificationClass] },
        account: [provider, `${provider}/default`],
      };
      for (const { target, from, until } of periods)
        if (until === undefined && now - from > STEERING_BOUND_MS && own[target.kind].includes(target.value))
          simulation.broken("9 nothing paused is sent", attemptId);
    },

    /** What a relay or dispatcher asks. */
    readerOf(process: SimulatedProcess, log: Logger) {
      const wrapped = process.wrap("steering", { list: store.steering.list }, "store");
      const fails = () => void failedAt.set(process, time.now());
      const list = async () => {
        let isAnswered = false;
        time.after(READ_MS_MAX, () => void (isAnswered || fails()));
        try {
          return await wrapped.list();
        } catch (error) {
          fails();
          throw error;
        } finally {
          isAnswered = true;
        }
      };
      return createSteeringReader({ steering: { list }, clock: process.clock, log });
    },
  };
}
