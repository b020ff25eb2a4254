import { SpanKind, type Tracer } from "@opentelemetry/api";
import { accountNameOf, accountOf as accountOfDelivery } from "../core/delivery/account.ts";
import { ADAPTER_GRACE_MS, RECORD_MS } from "../core/delivery/call-limits.ts";
import type { Channel } from "../core/delivery/channel.ts";
import { type Decision, decide } from "../core/delivery/decide.ts";
import { TASK_STALE_MS } from "../core/delivery/lifetime.ts";
import { type Outcome, reasonOf } from "../core/delivery/outcome.ts";
import { reason } from "../core/delivery/reason.ts";
import { arrivedOf, repeatedIds, SUPERSEDED } from "../core/delivery/superseded.ts";
import { tryOf } from "../core/delivery/task.ts";
import { decisionChange, type Void, voidAttempt, voidChange } from "../core/delivery/transitions.ts";
import type { Failpoint } from "../core/failpoints.ts";
import { type AttemptOutcome, type AttemptRecord, attemptId } from "../core/ports/attempt-store.ts";
import type { Clock, Random } from "../core/ports/clock.ts";
import type { DeliveryChange } from "../core/ports/notification-store.ts";
import type { OptOutAnswer, OptOuts } from "../core/ports/opt-outs.ts";
import type { OutboundDelivery, Provider } from "../core/ports/provider.ts";
import type { DeliveryTask, Settlement } from "../core/ports/queue.ts";
import { type RateLimiter, UNLIMITED } from "../core/ports/rate-limiter.ts";
import type { Store } from "../core/ports/store.ts";
import { createBatcher } from "../runtime/batch.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { withSpan } from "../runtime/tracing.ts";
import { type CircuitBreakers, createCircuitBreakers } from "./circuit-breaker.ts";
import type { DispatchMetrics } from "./metrics.ts";
import { createStatusQuery } from "./status-query.ts";

/** From the claim's insertion to the first byte: a process that was paused for longer does not send. */
export const CLAIM_TO_SEND_MS = 5_000;
/**
 * From the answer about opt-outs to the first byte. The answer itself may be 4.5 s old, and an opt-out is obeyed within 5 s: where the
 * claim took longer, it is asked for again.
 */
export const OPT_OUT_FRESH_MS = 500;
/** An opt-out must be readable before these classes go out; until then they come back. */
const PREFERENCES_UNREADABLE_WAIT_MS = 2_000;
/** Another holder of the same task is at work; look again after this. */
const HELD_ELSEWHERE_WAIT_MS = 5_000;
const RECORD_AGAIN_MS = 500;
/** One round trip's worth; more only adds latency. */
const BATCH_MAX = 200;
/** More than the in-flight limit of a pod can ever be. */
const WAITING_MAX = 20_000;

const EXPIRED: Void = { kind: "void", state: "expired", reason: reason("expired") };
const OPTED_OUT: Void = { kind: "void", state: "suppressed", reason: reason("opted-out") };

export interface DispatchParts {
  channel: Channel;
  /** In order of preference; more than one of an account: fail over on known-not-sent. Accounts may come and go meanwhile. */
  providers: readonly Provider[];
  /** Absent: core's. */
  accountOf?: ((delivery: { app: string }) => string) | undefined;
  /** Over the same providers, where somebody else has a say in them too; absent: its own. */
  circuits?: CircuitBreakers | undefined;
  store: Pick<Store, "attempts" | "notifications" | "contacts">;
  optOuts: OptOuts;
  /** May turn a copy away early; may never permit. */
  gate: { mayTry(id: string, holder: string, ttlMs: number): Promise<boolean> };
  /** The rate of the channel's account; absent: as fast as it goes. */
  rateLimiterOf?: ((account: string) => RateLimiter) | undefined;
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

/** The step all channels share: task → expired? opted out? → claim → provider → decide → record. The settlement follows what is durable. */
export function createDispatch(parts: DispatchParts): (task: DeliveryTask, holder: string) => Promise<Settlement> {
  const { channel, providers, store, clock, log, metrics, worker, failpoint } = parts;
  const rateLimiterOf = parts.rateLimiterOf ?? (() => UNLIMITED);
  const accountOf = parts.accountOf ?? accountOfDelivery;
  const circuits = parts.circuits ?? createCircuitBreakers(providers, clock);
  const windowMs = CLAIM_TO_SEND_MS + parts.deadlineMs;
  const limits = { batchMax: BATCH_MAX, waitingMax: WAITING_MAX, concurrency: 2 };
  const claims = createBatcher((items: readonly AttemptRecord[]) => store.attempts.claim(items), limits, clock);
  type Answer = { id: string; worker: string; outcome: AttemptOutcome; answeredAt: number };
  const answers = createBatcher((items: readonly Answer[]) => store.attempts.record(items), limits, clock);
  /** Claims made: with the worker's name, it tells one claim from another of the same number by a copy in the same process. */
  let claimed = 0;
  const changes = createBatcher((items: readonly DeliveryChange[]) => store.notifications.change(items), limits, clock);
  const statusQuery = createStatusQuery({ ...parts, change });

  return async function dispatch(task, holder) {
    failpoint("dispatcher.received", task.category);
    if (task.statusQuery) return settled({ kind: "ack" }, `status-query-${await statusQuery(task)}`);
    if (task.expiresAt <= clock.now() - TASK_STALE_MS) return settled({ kind: "ack" }, "stale");
    const arrived = task.policyResend ? await arrivedBefore(task) : undefined;
    if (arrived) return close(task, SUPERSEDED, arrived.providerRef);
    if (task.expiresAt <= clock.now()) return close(task, EXPIRED);
    const account = accountOf(task);
    const provider = circuits.choose(tryOf(task), account);
    if (provider === undefined) return nak(circuits.reopensInMs(account), "circuit-open");
    const answer = await mayGo(task);
    const answered = clock.monotonic();
    if (answer === "opted-out") return close(task, OPTED_OUT);
    if (answer === "unknown") return nak(PREFERENCES_UNREADABLE_WAIT_MS, "preferences-unreadable");
    const rateLimiter = rateLimiterOf(account);
    if (rateLimiter !== UNLIMITED && task.publication > 0 && (await isClaimed(task))) return settled({ kind: "ack" }, "claimed-elsewhere");
    // Before the gate, which would turn away whoever is handed the task next.
    const token = await rateLimiter.take(task.notificationClass);
    if (token.kind === "later") return settled({ kind: "nak", delayMs: token.delayMs, ready: true }, "rate-limited");

    if (!(await parts.gate.mayTry(attemptId(task.deliveryId, task.attempt), holder, windowMs)))
      return nak(HELD_ELSEWHERE_WAIT_MS, "held-elsewhere");
    failpoint("dispatcher.before-claim", task.category);
    const started = clock.monotonic();
    const claim = buildClaim(task, provider);
    const claiming = await tryClaim(task, claim);
    if (claiming !== "ours") return settled({ kind: "ack" }, claiming);

    failpoint("dispatcher.claimed", task.category);
    const hindrance = await hindranceSince(task, started, answered);
    if (hindrance?.kind === "void") return voidClaimed(task, claim, hindrance);
    const outcome = hindrance ?? (await send(provider, outbound(task, claim.id), parts.deadlineMs));
    failpoint("dispatcher.answered", task.category);
    tell(task, provider, outcome, clock.monotonic() - started);
    await record(task, claim, outcome);
    failpoint("dispatcher.changed", task.category);
    return settled({ kind: "ack" }, outcome.kind);
  };

  /** Whether it was applied. */
  async function change(wanted: DeliveryChange): Promise<boolean> {
    const applied = await changes.add(wanted);
    if (applied) metrics.ended(channel, wanted.set);
    return applied;
  }

  async function mayGo({ app, userId, endpoint, category, notificationClass }: DeliveryTask): Promise<OptOutAnswer> {
    const [answer = "unknown"] = await parts.optOuts.check([{ app, userId, endpoint, channel, category }]);
    return answer === "unknown" && notificationClass === "critical" ? "allowed" : answer;
  }

  /** Of a repetition: whether what it repeats turned out to have been taken. */
  async function arrivedBefore(task: DeliveryTask) {
    return arrivedOf(await store.attempts.find(repeatedIds({ ...task, id: task.deliveryId })));
  }

  /** Of what waits for permits the watchdog makes copies, and each would take one from what can still be sent. */
  async function isClaimed({ deliveryId, attempt }: DeliveryTask): Promise<boolean> {
    return (await store.attempts.find([attemptId(deliveryId, attempt)])).length > 0;
  }

  function buildClaim({ deliveryId, attempt: number, policyResend, redrive }: DeliveryTask, provider: Provider): AttemptRecord {
    const startedAt = clock.now();
    const who = { worker: `${worker}/${++claimed}`, provider: provider.name, account: accountNameOf(provider) };
    const repeats = { ...(policyResend ? { policyResend } : {}), ...(redrive ? { redrive } : {}) };
    return { id: attemptId(deliveryId, number), deliveryId, number, ...who, startedAt, deadlineAt: startedAt + windowMs, ...repeats };
  }

  async function tryClaim(task: DeliveryTask, claim: AttemptRecord): Promise<"ours" | "claimed-elsewhere" | "claim-unconfirmed"> {
    try {
      // Somebody else's, or done long ago: either way not ours to send, and the watchdog looks after it.
      return (await claims.add(claim)) ? "ours" : "claimed-elsewhere";
    } catch (error) {
      // It may have been written all the same. This call does not send, so where the claim is its own it can say so.
      if (await record(task, claim, { kind: "unavailable", fault: { code: "claim-unconfirmed" } })) return "claim-unconfirmed";
      throw error;
    }
  }

  /** What has come up while the number was being claimed: the claim may have been slow, and the process may have been paused. */
  async function hindranceSince(task: DeliveryTask, started: number, answered: number): Promise<Void | Outcome | undefined> {
    const answer = clock.monotonic() - answered > OPT_OUT_FRESH_MS ? await mayGo(task) : "allowed";
    if (answer === "opted-out") return OPTED_OUT;
    if (task.expiresAt <= clock.now()) return EXPIRED;
    if (clock.monotonic() - started > CLAIM_TO_SEND_MS) return { kind: "unavailable", fault: { code: "worker-paused" } };
    return answer === "unknown" ? { kind: "unavailable", fault: { code: "preferences-unreadable" } } : undefined;
  }

  /** One line and one count per attempt; a misconfigured provider's wakes a person. */
  function tell({ deliveryId, attempt }: DeliveryTask, { name: provider, account }: Provider, outcome: Outcome, elapsed: number): void {
    const elapsedMs = Math.round(elapsed);
    const line = {
      deliveryId,
      channel,
      attempt,
      provider,
      account: accountNameOf({ account }),
      outcome: outcome.kind,
      reason: reasonOf(outcome),
      elapsedMs,
    };
    log[outcome.kind === "misconfigured" ? "error" : "info"](line, "attempt");
    const labels = { provider, account: accountNameOf({ account }) };
    metrics.attempts.inc({ ...labels, outcome: outcome.kind });
    metrics.providerSeconds.observe(labels, elapsed / 1000);
  }

  /**
   * First the attempt, then the delivery: what a crash leaves between them, the relay finishes. Whether the attempt was the claimant's and
   * without an outcome until now.
   */
  async function record(
    task: DeliveryTask,
    { id, worker, provider, account, startedAt }: AttemptRecord,
    outcome: Outcome,
  ): Promise<boolean> {
    const { expiresAt, deliveryId, endpointId } = task;
    const now = clock.now();
    circuits.record({ name: provider, account }, outcome);
    const hasFallback = tryOf(task) < providers.filter((p) => accountNameOf(p) === accountNameOf({ account })).length;
    const decision = decide(outcome, { attempt: tryOf(task), now, expiresAt, hasFallback, random: parts.random() });
    const taken = await untilRecorded(() => answers.add({ id, worker, outcome, answeredAt: now }));
    failpoint("dispatcher.recorded", task.category);
    if (outcome.kind === "endpoint-gone" && endpointId !== undefined)
      await store.contacts
        .removeGone(task.app, endpointId, outcome.goneAt ?? startedAt)
        .catch((error: unknown) => log.warn({ err: error, deliveryId }, "dead endpoint could not be removed"));
    // What stands is another's, whose delivery this is: the relay's, which has called the attempt unknown, or a claimant's at work. Or it is
    // ours, and the store's confirmation was lost: then the relay's next look does what is left undone. Only that it was sent is news to all.
    if (!taken && decision.kind !== "sent") return false;
    const end = await bettered(task, decision);
    await untilRecorded(() => change(decisionChange(task, end, now)));
    return taken;
  }

  /** A repetition that is given up, where what it repeats turned out to have been taken meanwhile: that was left to its own outcome. */
  async function bettered(task: DeliveryTask, decision: Decision): Promise<Decision> {
    return decision.kind === "failed" || decision.kind === "expired" ? ((await sentBefore(task)) ?? decision) : decision;
  }

  async function sentBefore(task: DeliveryTask): Promise<Decision | undefined> {
    const arrived = task.policyResend ? await arrivedBefore(task).catch(() => undefined) : undefined;
    return arrived && { kind: "sent", providerRef: arrived.providerRef, reason: SUPERSEDED.reason };
  }

  /** Closes the attempt's number without a call, so that no copy of the task makes one later; then the delivery ends. */
  async function close(task: DeliveryTask, outcome: Void, providerRef = ""): Promise<Settlement> {
    const now = clock.now();
    const closing = voidChange(task, outcome, now);
    if (providerRef) closing.set.providerRef = providerRef;
    if (await claims.add(voidAttempt(task, worker, outcome, now))) await change(closing);
    return settled({ kind: "ack" }, outcome.reason.code);
  }

  /** As close(), where the number is ours already and nothing was sent under it. */
  async function voidClaimed(task: DeliveryTask, { id, worker }: AttemptRecord, outcome: Void): Promise<Settlement> {
    const now = clock.now();
    await untilRecorded(() => answers.add({ id, worker, outcome, answeredAt: now }));
    const sent = await sentBefore(task);
    await untilRecorded(() => change(sent ? decisionChange(task, sent, now) : voidChange(task, outcome, now)));
    return settled({ kind: "ack" }, outcome.reason.code);
  }

  function nak(delayMs: number, why: string): Settlement {
    return settled({ kind: "nak", delayMs }, why);
  }

  function settled(settlement: Settlement, why: string): Settlement {
    metrics.settled.inc({ channel, settlement: settlement.kind, why });
    return settlement;
  }

  async function send(provider: Provider, delivery: OutboundDelivery, deadlineMs: number): Promise<Outcome> {
    const silent = (): Outcome => {
      log.error({ deliveryId: delivery.deliveryId, provider: provider.name }, "provider did not answer within its deadline");
      return { kind: "unanswered", fault: { code: "adapter-silent" } };
    };
    try {
      const about = { kind: SpanKind.CLIENT, attributes: { "carillon.attempt": delivery.attemptId } };
      const limit = { clock, limitMs: deadlineMs + ADAPTER_GRACE_MS };
      const call = () => withDeadline(provider.send(delivery, AbortSignal.timeout(deadlineMs)), limit, silent);
      return await withSpan(parts.tracer, `${provider.name} send`, about, call);
    } catch (error) {
      // A provider throws only by its own fault; what it did before that, nobody knows.
      log.error({ err: error, deliveryId: delivery.deliveryId, provider: provider.name }, "provider threw");
      return { kind: "unanswered", fault: { code: "adapter-fault" } };
    }
  }

  /** Whether what was written is what stands now. */
  async function untilRecorded(write: () => Promise<boolean>): Promise<boolean> {
    const giveUpAt = clock.monotonic() + RECORD_MS;
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (clock.monotonic() >= giveUpAt) throw error;
        log.warn({ err: error }, "store unavailable; retrying the outcome write");
        await clock.sleep(RECORD_AGAIN_MS);
      }
    }
  }
}

function outbound(task: DeliveryTask, id: string): OutboundDelivery {
  const { deliveryId, app, channel, endpoint, notificationClass, category, content, priority, collapseKey, expiresAt } = task;
  return { deliveryId, attemptId: id, app, channel, endpoint, notificationClass, category, content, priority, collapseKey, expiresAt };
}
