// The real relay, dispatch step, publishing and store, in a world where everything else goes wrong: processes die or stall at any call and
// their clocks differ, the store fails before or after it wrote, the queue loses, repeats and reorders, acknowledgements are lost, providers
// answer anything, late, or nothing. One thread, a clock that only this file moves, one seed.
import { setImmediate } from "node:timers/promises";
import { ProxyTracerProvider } from "@opentelemetry/api";
import { type Audit, audit } from "../../core/audit.ts";
import { CLASSES } from "../../core/channel.ts";
import { UNCERTAIN_WAIT_MS } from "../../core/decide.ts";
import type { Outcome } from "../../core/outcome.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { Provider } from "../../core/ports/provider.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import type { RefusalAnswer } from "../../core/ports/refusals.ts";
import type { Store } from "../../core/ports/store.ts";
import { watchdogMs } from "../../core/watchdog.ts";
import { createDispatch } from "../../dispatchers/dispatch.ts";
import { createDispatchMetrics } from "../../dispatchers/metrics.ts";
import { createPublishing } from "../../gateway/publishing.ts";
import { createLogger } from "../../infra/logger.ts";
import { createMetrics } from "../../infra/metrics.ts";
import { openStore } from "../../infra/store.ts";
import { createRelayMetrics } from "../../relay/metrics.ts";
import { createRelay } from "../../relay/relay.ts";
import { createFakeClock } from "../support/fake-clock.ts";
import { sampleNotification } from "../support/notification-samples.ts";
import { createMortal } from "./crash.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import { createWishes } from "./wishes.ts";

const NOTIFICATIONS = 12;
const DELIVERIES_MAX = 3;
const ROUNDS = 120;
const USERS = ["ada", "bela", "chen"];
const ACK_WAIT_MS = 60_000;
/** Clocks of two processes differ by less than the relay's CLOCK_SKEW_MS. */
const SKEWS_MS = [-2_000, -500, 0, 500, 2_000];
/** A refusal is obeyed after this, and the preferences service answers with what was true at most so long ago. */
const OBEYED_MS = 5_000;
const ANSWER_AGE_MS = 4_500;
/** Rounds without faults that every delivery must have ended in: ten days of the world's time. */
const QUIET_ROUNDS_MAX = 3_000;

export interface WorldEnd {
  audit: Audit;
  /** Deliveries whose provider was called although their user had refused OBEYED_MS before. */
  refusedSends: string[];
  /** Deliveries given up as of unknown outcome before the time that a receipt has to come in. */
  hasty: string[];
  crashes: number;
}

/** @param sabotage replaces parts of the store, to prove that what they protect from is noticed */
export async function runWorld(seed: number, sabotage: (store: Store) => Store = (s) => s): Promise<WorldEnd> {
  const random = seededRandom(seed);
  const clock = createFakeClock();
  await using opened = await openStore("sqlite::memory:");
  const store = sabotage(opened);
  const log = createLogger("world", "silent", { write() {} });
  const metrics = createMetrics("world");
  const dispatchMetrics = createDispatchMetrics(metrics);
  const relayMetrics = createRelayMetrics(metrics);
  const tracer = new ProxyTracerProvider().getTracer("world");
  let queue: { task: DeliveryTask; visibleAt: number }[] = [];
  const taken = new Map<string, number>();
  const wishes = createWishes();
  const refusedSends: string[] = [];
  const userOf = new Map<string, string>();
  /** Some worlds are slow most of the time. */
  const stall = random.pick([0.01, 0.03, 0.2]);
  let faults = true;
  let crashes = 0;
  let worker = 0;
  let underWay = 0;

  const provider = (name: string): Provider => ({
    name,
    async send(delivery) {
      // Critical goes out where preferences cannot be read, and here they sometimes cannot.
      const user = userOf.get(delivery.deliveryId) ?? "";
      if (delivery.notificationClass !== "critical" && wishes.refusedSince(user, clock.now() - OBEYED_MS))
        refusedSends.push(delivery.deliveryId);
      const { outcome, arrived } = answer(random, faults, clock.now());
      if (arrived) taken.set(delivery.deliveryId, (taken.get(delivery.deliveryId) ?? 0) + 1);
      return outcome;
    },
    [Symbol.asyncDispose]: async () => {},
  });

  const refusals = {
    check: async (questions: readonly { userId: string | undefined }[]) =>
      questions.map(({ userId }): RefusalAnswer => {
        if (faults && random.chance(0.05)) return "unknown";
        const age = faults ? random.pick([0, 0, ANSWER_AGE_MS]) : 0;
        return wishes.refuses(userId ?? "", clock.now() - age) ? "refused" : "allowed";
      }),
  };

  const publisher = {
    async publish(task: DeliveryTask): Promise<boolean> {
      if (faults && random.chance(0.1)) return false;
      // Acknowledged and lost, as a stream that is wiped; or stored twice; or stored and the acknowledgement lost.
      const copies = faults && random.chance(0.1) ? 0 : faults && random.chance(0.1) ? 2 : 1;
      for (let i = 0; i < copies; i++) queue.push({ task, visibleAt: clock.now() });
      return !(faults && random.chance(0.05));
    },
  };
  const born = () => {
    const chances = () => (faults ? { death: 0.005, stall, fault: 0.01 } : { death: 0, stall: 0, fault: 0 });
    const mortal = createMortal(random, chances, clock.sleep);
    const parts = {
      notifications: mortal.wrap(store.notifications),
      attempts: mortal.wrap(store.attempts),
      contacts: mortal.wrap(store.contacts),
    };
    const skew = random.pick(SKEWS_MS);
    const common = { clock: { ...clock, now: () => clock.now() + skew }, random: random.next, log, tracer, worker: `w${worker++}` };
    // Never pauses within the provider's call but after its effect: nobody could obey a refusal there.
    const called = (name: string) => mortal.wrap(provider(name), { faults: false, stallBefore: false });
    const stream = mortal.wrap(publisher, { faults: false });
    const dispatch = createDispatch({
      ...{ ...common, channel: "sms", store: parts, refusals, deadlineMs: 10_000, metrics: dispatchMetrics },
      providers: [called("twilio"), called("vonage")],
      gate: { mayTry: async () => !(faults && random.chance(0.05)) },
    });
    const relay = createRelay({ ...common, store: parts, publisher: stream, pollMs: 1, metrics: relayMetrics });
    const publishing = createPublishing({ publisher: stream, notifications: parts.notifications, clock: common.clock });
    return { mortal, dispatch, relay, publishing, now: common.clock.now, turning: false };
  };
  let processes = [born(), born()];

  /** Begins it and goes on: it may sleep while other things happen. */
  const begin = (work: Promise<unknown>) => {
    underWay++;
    void work
      .catch(() => undefined)
      .finally(() => {
        underWay--;
      });
  };

  async function deliver(process: (typeof processes)[number]): Promise<void> {
    const ready = queue.filter((m) => m.visibleAt <= clock.now());
    if (ready.length === 0) return;
    const message = random.pick(ready);
    message.visibleAt = clock.now() + ACK_WAIT_MS;
    // As the consumer does with a task whose handling threw.
    const thrown = () => ({ kind: "nak", delayMs: 5_000 }) as const;
    const settlement = await process.mortal.run(() => process.dispatch(message.task, `${worker}`).catch(thrown));
    if (settlement === "dead") return;
    if (settlement.kind === "nak") message.visibleAt = clock.now() + settlement.delayMs;
    else if (!(faults && random.chance(0.05))) queue = queue.filter((m) => m !== message);
  }

  async function turn(process: (typeof processes)[number]): Promise<void> {
    if (process.turning) return;
    process.turning = true;
    await process.mortal.run(() => process.relay.turn().catch(() => undefined));
    process.turning = false;
  }

  async function round(): Promise<void> {
    for (const p of processes) for (const work of [deliver(p), deliver(p), deliver(p), turn(p)]) begin(work);
    await setImmediate();
    crashes += processes.filter((p) => p.mortal.dead).length;
    // Who drains finishes what is under way, beside its successor.
    processes = processes.map((p) => (p.mortal.dead || (faults && random.chance(0.02)) ? born() : p));
  }

  const accepted: string[] = [];
  async function accept(key: string): Promise<void> {
    const process = random.pick(processes);
    const user = random.pick(USERS);
    const now = process.now();
    const expiresAt = now + random.pick([20_000, 3_600_000, 86_400_000]);
    const n = sampleNotification(key, now, {
      ...{ notificationClass: random.pick(CLASSES), recipient: { kind: "user", userId: user }, expiresAt },
    });
    const [first] = n.deliveries;
    const published = { publications: 1, nextAt: Math.min(now + watchdogMs(0), expiresAt) };
    const count = 1 + random.below(DELIVERIES_MAX);
    n.deliveries = Array.from({ length: count }, (_, i) => ({ ...first!, ...published, id: `${n.id}-${i}` }));
    for (const d of n.deliveries) userOf.set(d.id, user);
    await opened.notifications.insert([n]);
    accepted.push(...n.deliveries.map((d) => d.id));
    process.publishing.publish(n);
  }

  for (let i = 0; i < ROUNDS; i++) {
    if (i % 8 === 0 && i / 8 < NOTIFICATIONS) await accept(`${seed}-${i}`);
    if (random.chance(0.1)) wishes.set(random.pick(USERS), clock.now(), random.chance(0.5));
    await round();
    clock.advance(random.pick([0, 100, 1_000, 1_000, 2_000, 4_000, 10_000, 40_000]));
  }
  faults = false;
  for (let i = 0; i < QUIET_ROUNDS_MAX && (underWay > 0 || (await opened.notifications.openCount(1)) > 0); i++) {
    await round();
    clock.advance(5_000);
  }
  const notifications = await Array.fromAsync(opened.notifications.all());
  const attempts = await Array.fromAsync(opened.attempts.all());
  const startedAt = new Map(attempts.map((a) => [a.id, a.startedAt]));
  const hasty = notifications.flatMap((n) =>
    n.deliveries
      .filter((d) => d.reason === "outcome-unknown" && n.notificationClass !== "critical")
      .filter((d) => d.endedAt! - startedAt.get(attemptId(d.id, d.attempt))! < UNCERTAIN_WAIT_MS[n.notificationClass] - OBEYED_MS)
      .map((d) => d.id),
  );
  return { audit: audit(notifications, attempts, { taken, accepted }), refusedSends, hasty, crashes };
}

/** Anything a provider may do, and whether it holds the message afterwards. */
function answer(random: SeededRandom, faults: boolean, now: number): { outcome: Outcome; arrived: boolean } {
  const sent = { outcome: { kind: "accepted", providerRef: "r" }, arrived: true } as const;
  if (!faults || random.chance(0.5)) return sent;
  const fault = { code: "made-up" };
  return random.pick<{ outcome: Outcome; arrived: boolean }>([
    sent,
    { outcome: { kind: "unanswered", fault }, arrived: true },
    { outcome: { kind: "unanswered", fault }, arrived: false },
    { outcome: { kind: "unavailable", fault }, arrived: false },
    { outcome: { kind: "throttled", retryAfterMs: 3_000, reason: "429" }, arrived: false },
    { outcome: { kind: "misconfigured", reason: "key" }, arrived: false },
    { outcome: { kind: "rejected", reason: "content" }, arrived: false },
    { outcome: { kind: "endpoint-gone", reason: "gone", goneAt: now }, arrived: false },
  ]);
}
