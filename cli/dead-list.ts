import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import { type Reason, type ReasonCode, reasonText } from "../core/delivery/reason.ts";
import { mayBeSent } from "../core/delivery/second-send.ts";
import type { Store } from "../core/ports/store.ts";
import { type DeadLetterFilter, deadLetters } from "../operations/dead-letters/dead-letters.ts";
import { table } from "./table.ts";

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

/** Calls `show` with the first `limit` dead letters that are meant, the earliest failures first; counts them all. */
export async function listDeadLetters(
  store: Pick<Store, "notifications" | "attempts">,
  filter: DeadLetterFilter,
  limit: number,
  show: (letter: DeadLetter) => void,
): Promise<{ total: number; counts: DeadLetterCount[] }> {
  const reasons = new Map<string, DeadLetterCount>();
  let total = 0;
  for await (const n of store.notifications.failed(filter.from, filter.to)) {
    const dead = deadLetters(n, filter);
    const shown = dead.slice(0, Math.max(0, limit - total));
    if (shown.length > 0) for (const letter of await describe(store, n, shown)) show(letter);
    total += dead.length;
    for (const d of dead) {
      const code = d.reason?.code ?? "none";
      const key = `${d.channel} ${code}`;
      const before = reasons.get(key)?.count ?? 0;
      reasons.set(key, { channel: d.channel, reason: code, count: before + 1 });
    }
  }
  return { total, counts: [...reasons.values()].sort((a, b) => b.count - a.count) };
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

/** Providers' words may hold anything; a terminal is to see text. */
export const printable = (text: string) => text.replace(/\p{Cc}/gu, " ");

/** A line of its own, so that any number of them can go by. */
export const letterText = (l: DeadLetter) =>
  [
    ...[new Date(l.endedAt).toISOString(), l.channel.padEnd(7), l.deliveryId, l.class.padEnd(13)],
    ...[
      `${l.attempts} attempt${l.attempts === 1 ? " " : "s"}`,
      l.mayBeSent ? "may have been sent" : "not sent          ",
      printable(l.reason ? reasonText(l.reason) : "none"),
    ],
  ].join("  ");

export function countsText(total: number, shown: number, counts: readonly DeadLetterCount[]): string {
  const rows = counts.map((c) => [c.channel, c.count, c.reason]);
  const more = total > shown ? `, the first ${shown} shown` : "";
  return total === 0 ? "no dead letters" : `${total} dead letters${more}\n\n${table(["channel", "count", "reason"], rows)}`;
}
