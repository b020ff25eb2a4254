import { beforeEach } from "node:test";
import { ProxyTracerProvider } from "@opentelemetry/api";
import { createPreferences, type Preferences } from "../../adapters/opt-outs/preferences.ts";
import type { SendingTimes } from "../../adapters/preferences/sending-times.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { SteeringReader } from "../../adapters/store/steering-reader.ts";
import type { AppAccounts } from "../../core/apps/accounts.ts";
import type { DeliveryEvent } from "../../core/delivery/event.ts";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { toTask } from "../../core/delivery/task.ts";
import type { Failpoint } from "../../core/failpoints.ts";
import type { OptOutAnswer, OptOutQuestion } from "../../core/ports/opt-outs.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import { type RateLimiter, UNLIMITED } from "../../core/ports/rate-limiter.ts";
import type { Store } from "../../core/ports/store.ts";
import type { CapCheck } from "../../dispatchers/cap-check.ts";
import type { CircuitBreakers } from "../../dispatchers/circuit-breaker.ts";
import { createDispatch } from "../../dispatchers/dispatch.ts";
import { createDispatchMetrics } from "../../dispatchers/metrics.ts";
import type { SetupWaiters } from "../../dispatchers/setup-waiters.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";
import { contactOf, sampleNotification } from "./notification-samples.ts";
import { type ScriptedProvider, scriptedProvider } from "./scripted-provider.ts";

export const accepted: Outcome = { kind: "accepted", providerRef: "ref" };

interface Setting {
  providers?: ScriptedProvider[];
  optOut?: OptOutAnswer;
  optOuts?: (question: OptOutQuestion) => OptOutAnswer;
  gate?: boolean;
  rateLimiter?: RateLimiter;
  accountsOf?: (app: string) => Promise<AppAccounts>;
  sendingTimes?: SendingTimes;
  steering?: SteeringReader;
  checkCap?: CapCheck;
  failpoint?: Failpoint;
  circuits?: CircuitBreakers;
  setupWaiters?: SetupWaiters;
  store?: Pick<Store, "attempts" | "notifications" | "contacts">;
  preferences?: Pick<Preferences, "get" | "update">;
}

/** A store with one notification in it, and a dispatch step over it; new for each test. */
export class DispatchWorld {
  store!: Store;
  clock!: FakeClock;
  lines!: string[];
  events!: DeliveryEvent[];
  readonly recorder = { record: (events: readonly DeliveryEvent[]) => void this.events.push(...events) };
  notification!: NotificationRecord;

  setUp(s: Setting = {}) {
    const { store, clock, lines } = this;
    const providers = s.providers ?? [scriptedProvider("twilio", () => accepted)];
    const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
    const dispatch = createDispatch({
      ...{
        channel: "sms",
        providers,
        store: s.store ?? store,
        clock,
        random: () => 0,
        worker: "w1",
        deadlineMs: 1_000,
      },
      optOuts: { check: async (questions) => questions.map((question) => s.optOuts?.(question) ?? s.optOut ?? "allowed") },
      preferences:
        s.preferences ??
        createPreferences({ store: store.preferences, apps: store.apps, profiles: store.profiles, redis: undefined, clock, log }),
      gate: { mayTry: async () => s.gate ?? true },
      log,
      metrics: createDispatchMetrics(createMetrics("test")),
      rateLimiterOf: () => s.rateLimiter ?? UNLIMITED,
      ...{ sendingTimes: s.sendingTimes, steering: s.steering, checkCap: s.checkCap },
      ...{ accountsOf: s.accountsOf, circuits: s.circuits, setupWaiters: s.setupWaiters },
      failpoint: s.failpoint ?? (() => {}),
      recorder: this.recorder,
      tracer: new ProxyTracerProvider().getTracer("test"),
    });
    return { dispatch, providers, sent: () => providers.flatMap((p) => p.sent) };
  }

  /** Its claims take so long, by the world's clock, after they are written. */
  storeWithSlowClaims(ms: number): Store {
    const { store, clock } = this;
    const claim: Store["attempts"]["claim"] = async (attempts) => {
      const won = await store.attempts.claim(attempts);
      clock.advance(ms);
      return won;
    };
    return { ...store, attempts: { ...store.attempts, claim } };
  }

  async delivery(): Promise<Delivery> {
    return (await this.store.notifications.find(this.notification.id))!.deliveries[0]!;
  }

  task(): DeliveryTask {
    return toTask(this.notification, this.notification.deliveries[0]!);
  }
}

export function useDispatchWorld(): DispatchWorld {
  const world = new DispatchWorld();
  beforeEach(async (t) => {
    world.store = await openStore("sqlite::memory:");
    if ("after" in t) t.after(() => world.store[Symbol.asyncDispose]());
    world.clock = createFakeClock();
    world.lines = [];
    world.events = [];
    world.notification = sampleNotification("one", world.clock.now());
    await world.store.notifications.insert([world.notification]);
    await world.store.contacts.register(contactOf(world.notification));
  });
  return world;
}
