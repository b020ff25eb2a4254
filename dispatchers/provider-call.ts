import { SpanKind } from "@opentelemetry/api";
import { accountNameOf } from "../core/delivery/account.ts";
import { ADAPTER_GRACE_MS } from "../core/delivery/call-limits.ts";
import { outboundOf } from "../core/delivery/outbound.ts";
import { type Outcome, reasonOf } from "../core/delivery/outcome.ts";
import type { MayBegin, Provider } from "../core/ports/provider.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { limitedSignal, withDeadline } from "../runtime/deadline.ts";
import { withSpan } from "../runtime/tracing.ts";
import type { DispatchParts } from "./dispatch-parts.ts";

type Parts = Pick<DispatchParts, "channel" | "deadlineMs" | "clock" | "log" | "metrics" | "tracer">;

/** One provider call under a deadline. Never rejects: a provider that throws or stays silent is an outcome too. */
export async function callProvider(
  parts: Parts,
  provider: Provider,
  task: DeliveryTask,
  { attemptId, mayBegin }: { attemptId: string; mayBegin: MayBegin },
): Promise<Outcome> {
  const { clock, log, tracer, deadlineMs } = parts;
  const { deliveryId } = task;
  const silent = (): Outcome => {
    log.error({ deliveryId, provider: provider.name }, "provider did not answer within its deadline");
    return { kind: "unanswered", fault: { code: "adapter-silent" } };
  };
  try {
    const about = { kind: SpanKind.CLIENT, attributes: { "carillon.attempt": attemptId } };
    const limit = { clock, limitMs: deadlineMs + ADAPTER_GRACE_MS };
    using ending = limitedSignal(deadlineMs, clock);
    const call = () => withDeadline(provider.send(outboundOf(task, attemptId), ending.signal, mayBegin), limit, silent);
    return await withSpan(tracer, `${provider.name} send`, about, call);
  } catch (error) {
    // Only a defect of our code throws, and it is not known what was sent before that.
    log.error({ err: error, deliveryId, provider: provider.name }, "provider threw");
    return { kind: "unanswered", fault: { code: "adapter-fault" } };
  }
}

/** One line and one count per attempt; a misconfigured provider is logged as an error, which alerts. */
export function reportAttempt(
  parts: Parts,
  task: DeliveryTask,
  { name: provider, account: own }: Provider,
  outcome: Outcome,
  elapsed: number,
): void {
  const { channel, log, metrics } = parts;
  const elapsedMs = Math.round(elapsed);
  const { deliveryId, attempt } = task;
  const account = accountNameOf({ account: own });
  const line = { deliveryId, channel, attempt, provider, account, outcome: outcome.kind, reason: reasonOf(outcome), elapsedMs };
  log[outcome.kind === "misconfigured" ? "error" : "info"](line, "attempt");
  metrics.attempts.inc({ provider, account, outcome: outcome.kind });
  metrics.providerSeconds.observe({ provider, account }, elapsed / 1000);
}
