import type { Tracer } from "@opentelemetry/api";
import type { Preferences } from "../adapters/opt-outs/preferences.ts";
import type { SendingTimes } from "../adapters/preferences/sending-times.ts";
import type { SteeringReader } from "../adapters/store/steering-reader.ts";
import type { AppAccounts } from "../core/apps/accounts.ts";
import type { Channel } from "../core/delivery/channel.ts";
import type { Failpoint } from "../core/failpoints.ts";
import type { Clock, Random } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { OptOuts } from "../core/ports/opt-outs.ts";
import type { Provider } from "../core/ports/provider.ts";
import type { RateLimiter } from "../core/ports/rate-limiter.ts";
import type { Store } from "../core/ports/store.ts";
import type { Logger } from "../runtime/logger.ts";
import type { CapCheck } from "./cap-check.ts";
import type { CircuitBreakers } from "./circuit-breaker.ts";
import type { DispatchMetrics } from "./metrics.ts";
import type { SetupWaiters } from "./setup-waiters.ts";

/** From the claim's insertion to the first byte: a process that was paused for longer does not send. */
export const CLAIM_TO_SEND_MS = 5_000;

export interface DispatchParts {
  channel: Channel;
  /**
   * In order of preference; with more than one of an account, the next is tried at once when it is known that nothing was sent. Accounts may come
   * and go meanwhile.
   */
  providers: readonly Provider[];
  /** The accounts that serve an app; rejects with a StoreError where they cannot be read. Absent: every app is served by the default ones. */
  accountsOf?: ((app: string) => Promise<AppAccounts>) | undefined;
  /** For the same providers, where the caller opens or closes circuits, too; absent: the dispatch step makes its own. */
  circuits?: CircuitBreakers | undefined;
  /** Receives what waits for new keys, to make it due when they arrive; absent: it is tried again at its own time. */
  setupWaiters?: SetupWaiters | undefined;
  store: Pick<Store, "attempts" | "notifications" | "contacts" | "settle">;
  /** Where what providers tell of recipients is kept: Redis first, then the store, so that a write that the store confirms late is obeyed meanwhile. */
  preferences: Pick<Preferences, "get" | "update">;
  recorder: EventRecorder;
  optOuts: OptOuts;
  /** May reject a concurrent copy early. Passing it proves nothing: only the claim in the store permits a send. */
  gate: { mayTry(id: string, holder: string, ttlMs: number): Promise<boolean> };
  /** Asked with the opt-outs; absent: everything may be sent at any time. */
  sendingTimes?: SendingTimes | undefined;
  /** What operators have paused; absent: nothing. */
  steering?: SteeringReader | undefined;
  /** Absent: no category has a cap. */
  checkCap?: CapCheck | undefined;
  /** The rate limiter of an account; absent: unlimited. */
  rateLimiterOf?: ((account: string) => RateLimiter) | undefined;
  /** Called before a claimed attempt's provider call, with the holder of the copy; absent: it is not reported. */
  calling?: ((holder: string) => void) | undefined;
  /** Unique per process. */
  worker: string;
  /** One provider call. */
  deadlineMs: number;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics: DispatchMetrics;
  tracer: Tracer;
  failpoint: Failpoint;
}
