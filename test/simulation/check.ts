import { UNCERTAIN_WAIT_MS } from "../../core/delivery/decide.ts";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { type AttemptRecord, attemptId, knownOutcome } from "../../core/ports/attempt-store.ts";
import { audit } from "../../operations/audit/audit.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { Nature } from "./nature.ts";
import type { ProviderMemory } from "./providers.ts";
import { SKEW_MS } from "./witness.ts";

/** Once the world is kind, a delivery that has longer than this is sent: the longest watchdog and the longest backoff, one after the other. */
const SENT_WITHIN_MS = 25 * 60_000;

export interface End {
  nature: Nature;
  store: MemoryStore;
  memory: ProviderMemory;
  /** Delivery ids that callers were told of. */
  accepted: readonly string[];
  /** Attempts whose receipts were taken. */
  receipted: ReadonlySet<string>;
  /** When things stopped going wrong. */
  quietAt: number;
}

/** What must hold once everything is quiet. */
export async function judge({ nature, store, memory, accepted, receipted, quietAt }: End): Promise<void> {
  const notifications = [...store.notifications.inside.values()];
  const attempts = [...store.attempts.inside.values()];
  const { checks, open } = audit(notifications, attempts, { taken: memory.taken, accepted });
  for (const { promise, holds, examples } of checks) if (!holds) for (const id of examples) nature.broken(promise, id);
  if (open > 0) nature.broken("2 every delivery ends", `${open} are open`);
  for (const a of attempts) if (!isTrue(a, memory.attempts.has(a.id))) nature.broken("2 what is recorded is true", a.id);
  for (const n of notifications) {
    for (const d of n.deliveries) {
      if (d.policyResend && n.notificationClass !== "critical") nature.broken("3 only critical is repeated", d.id);
      if (receipted.has(attemptId(d.id, d.attempt)) && !saysSo(d)) nature.broken("2 what a receipt tells is known", d.id);
      if (isHasty(n, d)) nature.broken("2 nothing is given up hastily", d.id);
      if (isLeftLying(n, d, quietAt)) nature.broken("2 nothing is left lying until it expires", d.id);
    }
  }

  function isHasty({ notificationClass }: NotificationRecord, d: Delivery): boolean {
    if (d.reason?.code !== "outcome-unknown" || notificationClass === "critical") return false;
    const attempt = store.attempts.inside.get(attemptId(d.id, d.attempt));
    return d.endedAt! - (attempt?.startedAt ?? 0) < UNCERTAIN_WAIT_MS[notificationClass] - SKEW_MS;
  }
}

/** What is known of an attempt, against what the provider has: the unknown may be either. */
function isTrue(attempt: AttemptRecord, taken: boolean): boolean {
  const kind = knownOutcome(attempt)?.kind;
  return kind === undefined || kind === "unanswered" || (kind === "accepted") === taken;
}

const saysSo = ({ state, reason }: Delivery) =>
  state === "sent" || state === "delivered" || (state === "failed" && reason?.code === "undelivered");

const isLeftLying = ({ expiresAt }: NotificationRecord, d: Delivery, quietAt: number) =>
  d.state === "expired" && d.endedAt! > quietAt && expiresAt > quietAt + SENT_WITHIN_MS;
