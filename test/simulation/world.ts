// The real relay, dispatch step and store, in a world where everything else goes wrong: processes die at any call, the queue loses, repeats and
// reorders, acknowledgements are lost, providers answer anything or nothing. One thread, a clock that only this file moves, one seed.
import { ProxyTracerProvider } from "@opentelemetry/api";
import { type Audit, audit } from "../../core/audit.ts";
import { CLASSES } from "../../core/channel.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Provider } from "../../core/ports/provider.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import type { Store } from "../../core/ports/store.ts";
import { createDispatch } from "../../dispatchers/dispatch.ts";
import { createDispatchMetrics } from "../../dispatchers/metrics.ts";
import { createLogger } from "../../infra/logger.ts";
import { createMetrics } from "../../infra/metrics.ts";
import { openStore } from "../../infra/store.ts";
import { createRelayMetrics } from "../../relay/metrics.ts";
import { createRelay } from "../../relay/relay.ts";
import { createFakeClock } from "../support/fake-clock.ts";
import { sampleNotification } from "../support/notification-samples.ts";
import { createMortal } from "./crash.ts";
import { type SeededRandom, seededRandom } from "./random.ts";

const NOTIFICATIONS = 12;
const ROUNDS = 120;
const USERS = ["ada", "bela", "chen"];
const ACK_WAIT_MS = 60_000;
/** Rounds without faults that every delivery must have ended in: ten days of the world's time. */
const QUIET_ROUNDS_MAX = 3_000;

export interface WorldEnd {
  audit: Audit;
  /** Deliveries whose provider was called although their user had refused before. */
  refusedSends: string[];
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
  const refused = new Set<string>();
  const refusedSends: string[] = [];
  let faults = true;
  let crashes = 0;
  let worker = 0;

  const provider = (name: string): Provider => ({
    name,
    async send(delivery) {
      // Critical goes out where preferences cannot be read, and here they sometimes cannot.
      if (delivery.notificationClass !== "critical" && refused.has(userOf.get(delivery.deliveryId) ?? ""))
        refusedSends.push(delivery.deliveryId);
      const { outcome, arrived } = answer(random, faults, clock.now());
      if (arrived) taken.set(delivery.deliveryId, (taken.get(delivery.deliveryId) ?? 0) + 1);
      return outcome;
    },
    [Symbol.asyncDispose]: async () => {},
  });
  const userOf = new Map<string, string>();

  const publisher = {
    async publish(task: DeliveryTask): Promise<boolean> {
      if (faults && random.chance(0.1)) return false;
      // Acknowledged and lost, as a stream that is wiped; or stored twice.
      const copies = faults && random.chance(0.1) ? 0 : faults && random.chance(0.1) ? 2 : 1;
      for (let i = 0; i < copies; i++) queue.push({ task, visibleAt: clock.now() });
      return true;
    },
  };
  const born = () => {
    const mortal = createMortal(random, () => (faults ? 0.01 : 0));
    const parts = {
      notifications: mortal.wrap(store.notifications),
      attempts: mortal.wrap(store.attempts),
      contacts: mortal.wrap(store.contacts),
    };
    const common = { clock, random: random.next, log, tracer, worker: `w${worker++}` };
    const dispatch = createDispatch({
      ...{ ...common, channel: "sms", store: parts, deadlineMs: 10_000, metrics: dispatchMetrics },
      providers: [mortal.wrap(provider("twilio")), mortal.wrap(provider("vonage"))],
      refusals: {
        check: async (qs) =>
          qs.map((q) => (faults && random.chance(0.05) ? "unknown" : refused.has(q.userId ?? "") ? "refused" : "allowed")),
      },
      gate: { mayTry: async () => !(faults && random.chance(0.05)) },
    });
    const relay = createRelay({ ...common, store: parts, publisher: mortal.wrap(publisher), pollMs: 1, metrics: relayMetrics });
    return { mortal, dispatch, relay };
  };
  let processes = [born(), born()];

  async function deliver(process: (typeof processes)[number]): Promise<void> {
    const ready = queue.filter((m) => m.visibleAt <= clock.now());
    if (ready.length === 0) return;
    const message = random.pick(ready);
    message.visibleAt = clock.now() + ACK_WAIT_MS;
    const settlement = await process.mortal.run(() => process.dispatch(message.task, `${worker}`));
    if (settlement === "dead") return;
    if (settlement.kind === "nak") message.visibleAt = clock.now() + settlement.delayMs;
    else if (!(faults && random.chance(0.05))) queue = queue.filter((m) => m !== message);
  }

  async function round(): Promise<void> {
    await Promise.all(processes.flatMap((p) => [deliver(p), deliver(p), p.mortal.run(() => p.relay.turn()).catch(() => undefined)]));
    crashes += processes.filter((p) => p.mortal.dead).length;
    processes = processes.map((p) => (p.mortal.dead ? born() : p));
  }

  const accepted: string[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    if (i % 8 === 0 && accepted.length < NOTIFICATIONS) {
      const user = random.pick(USERS);
      const n = sampleNotification(`${seed}-${i}`, clock.now(), {
        notificationClass: random.pick(CLASSES),
        recipient: { kind: "user", userId: user },
        expiresAt: clock.now() + random.pick([20_000, 3_600_000, 86_400_000]),
      });
      for (const d of n.deliveries) userOf.set(d.id, user);
      await store.notifications.insert([n]);
      accepted.push(...n.deliveries.map((d) => d.id));
    }
    if (random.chance(0.05)) refused.add(random.pick(USERS));
    if (random.chance(0.05)) refused.delete(random.pick(USERS));
    await round();
    clock.advance(random.pick([0, 100, 1_000, 10_000, 40_000]));
  }
  faults = false;
  for (let i = 0; i < QUIET_ROUNDS_MAX && (await opened.notifications.openCount(1)) > 0; i++) {
    await round();
    clock.advance(5_000);
  }
  const notifications = await Array.fromAsync(opened.notifications.all());
  const attempts = await Array.fromAsync(opened.attempts.all());
  return { audit: audit(notifications, attempts, { taken, accepted }), refusedSends, crashes };
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
