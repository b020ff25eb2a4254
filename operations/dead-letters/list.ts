import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import type { Reason, ReasonCode } from "../../core/delivery/reason.ts";
import { mayBeSent } from "../../core/delivery/second-send.ts";
import type { Store } from "../../core/ports/store.ts";
import { type DeadLetterFilter, deadLetters } from "./dead-letters.ts";

export interface DeadLetter {
  /** ms since the epoch. */
  endedAt: number;
  app: string;
  channel: string;
  deliveryId: string;
  class: string;
  reason: Reason | undefined;
  /** Calls to providers, of every run. */
  attempts: number;
  mayBeSent: boolean;
}

export interface DeadLetterCount {
  channel: string;
  reason: ReasonCode | "none";
  count: number;
}

export type DeadLetterItem =
  | { kind: "letter"; letter: DeadLetter }
  /** The last item: every match is counted, listed or not. */
  | { kind: "counted"; total: number; counts: DeadLetterCount[] };

/** Yields the first `limit` matching dead letters, the earliest failures first, and then the counts of all matches. */
export async function* listDeadLetters(
  store: Pick<Store, "notifications" | "attempts">,
  filter: DeadLetterFilter,
  limit: number,
): AsyncGenerator<DeadLetterItem> {
  const reasons = new Map<string, DeadLetterCount>();
  let total = 0;
  for await (const n of store.notifications.failed(filter.from, filter.to)) {
    const dead = deadLetters(n, filter);
    const listed = dead.slice(0, Math.max(0, limit - total));
    if (listed.length > 0) for (const letter of await describe(store, n, listed)) yield { kind: "letter", letter };
    total += dead.length;
    for (const d of dead) {
      const code = d.reason?.code ?? "none";
      const key = `${d.channel} ${code}`;
      const before = reasons.get(key)?.count ?? 0;
      reasons.set(key, { channel: d.channel, reason: code, count: before + 1 });
    }
  }
  yield { kind: "counted", total, counts: [...reasons.values()].sort((a, b) => b.count - a.count) };
}

async function describe({ attempts }: Pick<Store, "attempts">, n: NotificationRecord, dead: readonly Delivery[]): Promise<DeadLetter[]> {
  const made = Map.groupBy(await attempts.between(n.id, n.id), (a) => a.deliveryId);
  return dead.map((d) => {
    const own = made.get(d.id) ?? [];
    const calls = own.filter((a) => a.outcome?.kind !== "void");
    return {
      ...{ endedAt: d.endedAt!, app: n.app, channel: d.channel, deliveryId: d.id, class: n.notificationClass, reason: d.reason },
      ...{ attempts: calls.length, mayBeSent: own.some(mayBeSent) },
    };
  });
}
