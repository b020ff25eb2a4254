import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { DeliveryState } from "../../core/delivery/notification.ts";
import type { Audit, Check } from "../../operations/audit/audit.ts";
import { UNCERTAIN_ENDS, type UncertainEnd } from "../../operations/audit/uncertain-ends.ts";
import { table } from "../table.ts";

/** Per channel: accepted, how each delivery ended, and how long the provider's turn took to come; below, why what was not sent was not. */
export function channelTable(audit: Audit): string {
  const ms = (wait: number | undefined) => (wait === undefined ? "-" : `${Math.round(wait)} ms`);
  const rows = CHANNELS.map((channel) => {
    const { p50, p99 } = audit.waits[channel];
    const counts = COLUMNS.map((states) => states.reduce((sum, state) => sum + count(audit, channel, state), 0));
    return [channel, counts.reduce((a, b) => a + b, 0), ...counts, ms(p50), ms(p99)];
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

/** How attempts whose answer never came were resolved, where there were any. */
export function uncertainText({ uncertain }: Audit): string {
  const ends = UNCERTAIN_ENDS.filter((end) => uncertain[end] > 0).map((end) => `${uncertain[end]} ${SAID[end]}`);
  const total = UNCERTAIN_ENDS.reduce((sum, end) => sum + uncertain[end], 0);
  return total === 0 ? "  no attempt's outcome is or was unknown" : `  ${total} attempts of unknown outcome: ${ends.join(", ")}`;
}

const SAID: Readonly<Record<UncertainEnd, string>> = {
  ...{ receipt: "resolved by a receipt", "status-query": "by a status query", "late answer": "by a late answer" },
  ...{ "repeated by policy": "repeated by policy", "redriven by an operator": "redriven by an operator" },
  ...{ "given up": "given up", open: "still open" },
};

/** For machines. */
export const auditJson = ({ notifications, deliveries, attempts, open, ended, uncertain, waits, checks }: Audit) => ({
  ...{ notifications, deliveries, attempts, open, ended, uncertain, waits, checks },
});

export function checksText(audit: Audit): string {
  return audit.checks
    .map((c) => (c.holds ? `  holds   ${c.promise}: ${c.detail}` : `  BROKEN  ${c.promise}: ${c.detail}${brokenText(c)}`))
    .join("\n");
}

function brokenText({ broken, examples }: Check): string {
  const more = broken > examples.length ? [`… ${broken} in all`] : [];
  return [...examples, ...more].map((line) => `\n          ${line}`).join("");
}
