import type { Audit } from "../core/audit.ts";
import { CHANNELS } from "../core/channel.ts";
import { isOpen, type NotificationRecord } from "../core/notification.ts";
import type { AttemptRecord } from "../core/ports/attempt-store.ts";
import { percentile, table } from "./table.ts";

/** Per channel: accepted, how each delivery ended and why, and how long the provider's turn took to come. */
export function channelTable(audit: Audit, notifications: readonly NotificationRecord[], attempts: readonly AttemptRecord[]): string {
  const rows = CHANNELS.map((channel) => {
    const states = audit.byState[channel] ?? {};
    const count = (state: keyof typeof states) => [...(states[state]?.values() ?? [])].reduce((a, b) => a + b, 0);
    const why = (state: keyof typeof states) => {
      const reasons = [...(states[state] ?? [])].sort(([, a], [, b]) => b - a).map(([reason, n]) => `${n} ${reason || "without a reason"}`);
      return reasons.length === 0 ? "0" : reasons.length === 1 && reasons[0] === "" ? String(count(state)) : reasons.join(", ");
    };
    const total = Object.keys(states).reduce((sum, s) => sum + count(s as keyof typeof states), 0);
    const waits = waitsOf(channel, notifications, attempts);
    const ms = (share: number) => {
      const wait = percentile(waits, share);
      return wait === undefined ? "-" : `${Math.round(wait)} ms`;
    };
    return [
      channel,
      total,
      count("sent") + count("delivered"),
      why("suppressed"),
      why("failed"),
      count("expired"),
      count("pending") + count("uncertain"),
      ms(0.5),
      ms(0.99),
    ];
  });
  return table(["channel", "accepted", "sent", "suppressed", "failed", "expired", "open", "p50", "p99"], rows);
}

/** From acceptance (or the moment it was scheduled for) to the first byte of the first attempt, in ms, sorted. */
function waitsOf(channel: string, notifications: readonly NotificationRecord[], attempts: readonly AttemptRecord[]): number[] {
  const first = new Map(attempts.filter((a) => a.number === 1 && a.provider !== "").map((a) => [a.deliveryId, a.startedAt]));
  return notifications
    .flatMap((n) =>
      n.deliveries.filter((d) => d.channel === channel && !isOpen(d.state)).map((d) => ({ at: first.get(d.id), from: n.sendAt })),
    )
    .flatMap(({ at, from }) => (at === undefined ? [] : [Math.max(0, at - from)]))
    .sort((a, b) => a - b);
}

export function checksText(audit: Audit): string {
  return audit.checks
    .map(
      (c) =>
        `  ${c.holds ? "holds " : "BROKEN"}  ${c.promise}: ${c.detail}${c.holds ? "" : `\n          ${c.examples.join("\n          ")}`}`,
    )
    .join("\n");
}
