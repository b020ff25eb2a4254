import { applyTransitions } from "../../core/delivery/apply-transitions.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { reason } from "../../core/delivery/reason.ts";
import { factsOf, type Transition, voided } from "../../core/delivery/transitions.ts";
import { type Void, voidAttempt } from "../../core/delivery/void-attempt.ts";
import type { EventRecorder } from "../../core/ports/event-recorder.ts";
import type { Store } from "../../core/ports/store.ts";

const ERASED: Void = { kind: "void", state: "cancelled", reason: reason("erased") };
/** Stands as the worker in the void attempts. */
const WORKER = "erasure";

/**
 * Ends what has not begun: it claims the attempt's number, so that no copy of the task is sent. A delivery whose number is taken is being called, or waits for an
 * outcome in doubt, and ends by itself. A number that an interrupted call took is finished.
 * @returns how many deliveries it cancelled
 */
export async function cancelOpen(
  { store, recorder }: { store: Pick<Store, "attempts" | "notifications">; recorder: EventRecorder },
  records: readonly NotificationRecord[],
  now: number,
): Promise<number> {
  const pending = records.flatMap((n) => n.deliveries.flatMap((d) => (d.state === "pending" ? [{ n, d }] : [])));
  if (pending.length === 0) return 0;
  const claims = pending.map(({ d }) => voidAttempt({ deliveryId: d.id, attempt: d.attempt }, WORKER, ERASED, now));
  const claimed = await store.attempts.claim(claims);
  const taken = await store.attempts.find(claims.flatMap(({ id }, i) => (claimed[i] ? [] : [id])));
  const ours = new Set(taken.flatMap(({ id, worker }) => (worker === WORKER ? [id] : [])));
  const transitions = pending.flatMap(({ n, d }, i): Transition[] =>
    claimed[i] || ours.has(claims[i]!.id) ? [voided(factsOf(n, d), ERASED, now)] : [],
  );
  const applied = await applyTransitions(store.notifications, recorder, transitions);
  return applied.filter(Boolean).length;
}
