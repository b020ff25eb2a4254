import type { Audit } from "../core/audit.ts";
import { CHANNELS, type Channel } from "../core/channel.ts";
import { type DeliveryState, isOpen, type NotificationRecord } from "../core/notification.ts";
import type { AttemptRecord } from "../core/ports/attempt-store.ts";
import { percentile, table } from "./table.ts";

/** Per channel: accepted, how each delivery ended, and how long the provider's turn took to come; below, why what was not sent was not. */
export function channelTable(audit: Audit, notifications: readonly NotificationRecord[], attempts: readonly AttemptRecord[]): string {
  const rows = CHANNELS.map((channel) => {
    const waits = waitsOf(channel, notifications, attempts);
    const ms = (share: number) => {
      const wait = percentile(waits, share);
      return wait === undefined ? "-" : `${Math.round(wait)} ms`;
    };
    const counts = COLUMNS.map((states) => states.reduce((sum, state) => sum + count(audit, channel, state), 0));
    return [channel, counts.reduce((a, b) => a + b, 0), ...counts, ms(0.5), ms(0.99)];
  });
  const header = ["channel", "accepted", "sent", "suppressed", "failed", "expired", "open", "p50", "p99"];
  return `${table(header, rows)}\n\n${whyTable(audit)}`;
}

/** The states each column counts, in the header's order. */
const COLUMNS: readonly (readonly DeliveryState[])[] = [
  ["sent", "delivered"],
  ["suppressed"],
  ["failed"],
  ["expired", "cancelled"],
  ["pending", "uncertain"],
];

const reasonsOf = (audit: Audit, channel: Channel, state: DeliveryState) => [...(audit.byState[channel]?.[state] ?? [])];
const count = (audit: Audit, channel: Channel, state: DeliveryState) => reasonsOf(audit, channel, state).reduce((sum, [, n]) => sum + n, 0);

function whyTable(audit: Audit): string {
  const rows = (["suppressed", "failed"] as const).flatMap((state) =>
    CHANNELS.flatMap((channel) => {
      const reasons = reasonsOf(audit, channel, state).sort(([, a], [, b]) => b - a);
      return reasons.map(([reason, n]) => [state, channel, n, reason]);
    }),
  );
  return rows.length === 0 ? "  nothing was suppressed and nothing failed" : table(["why", "channel", "count", "reason"], rows);
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
