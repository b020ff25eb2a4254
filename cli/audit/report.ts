import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { DeliveryState } from "../../core/delivery/notification.ts";
import type { Audit, Check } from "../../operations/audit/audit.ts";
import { UNCERTAIN_ENDS, type UncertainEnd } from "../../operations/audit/uncertain-ends.ts";
import { table } from "../table.ts";

/** Per channel: accepted deliveries, their states, and the wait before the first attempt. Below: the reasons of what was not sent. */
export function channelTable(audit: Audit): string {
  const ms = (wait: number | undefined) => (wait === undefined ? "-" : `${Math.round(wait)} ms`);
  const rows = CHANNELS.map((channel) => {
    const { p50, p99 } = audit.waits[channel];
    const counts = COLUMNS.map((states) => states.reduce((sum, state) => sum + count(audit, channel, state), 0));
    return [channel, counts.reduce((a, b) => a + b, 0), ...counts, ms(p50), ms(p99)];
  });
  const header = ["channel", "accepted", "sent", "suppressed", "failed", "expired", "cancelled", "open", "p50", "p99"];
  return `${table(header, rows)}\n\n${reasonTable(audit)}`;
}

/** The states that each column counts, in the order of the header. */
const COLUMNS: readonly (readonly DeliveryState[])[] = [
  ["sent", "delivered"],
  ["suppressed"],
  ["failed"],
  ["expired"],
  ["cancelled"],
  ["pending", "uncertain"],
];

const reasonsOf = (audit: Audit, channel: Channel, state: DeliveryState) => [...(audit.byState[channel]?.[state] ?? [])];
const count = (audit: Audit, channel: Channel, state: DeliveryState) => reasonsOf(audit, channel, state).reduce((sum, [, n]) => sum + n, 0);

function reasonTable(audit: Audit): string {
  const rows = (["suppressed", "failed"] as const).flatMap((state) =>
    CHANNELS.flatMap((channel) => {
      const reasons = reasonsOf(audit, channel, state).sort(([, a], [, b]) => b - a);
      return reasons.map(([reason, n]) => [state, channel, n, reason]);
    }),
  );
  return rows.length === 0 ? "  no delivery was suppressed or failed" : table(["state", "channel", "count", "reason"], rows);
}

/** How attempts in doubt were resolved, if there were any. */
export function uncertainText({ uncertain }: Audit): string {
  const ends = UNCERTAIN_ENDS.filter((end) => uncertain[end] > 0).map((end) => `${uncertain[end]} ${IN_WORDS[end]}`);
  const total = UNCERTAIN_ENDS.reduce((sum, end) => sum + uncertain[end], 0);
  return total === 0 ? "  no attempt is or was in doubt" : `  ${total} attempts in doubt: ${ends.join(", ")}`;
}

/** In words, after a count. */
const IN_WORDS: Readonly<Record<UncertainEnd, string>> = {
  ...{ receipt: "resolved by a receipt", "status-query": "resolved by a status query", "late answer": "resolved by a late answer" },
  ...{ "repeated by policy": "sent again because critical", "redriven by an operator": "redriven by an operator" },
  ...{ "given up": "failed as outcome-unknown", open: "still in doubt" },
};

/** The audit as JSON, for programs. */
export const auditJson = ({ notifications, deliveries, attempts, open, ended, uncertain, waits, checks }: Audit) => ({
  ...{ notifications, deliveries, attempts, open, ended, uncertain, waits, checks },
});

export function checksText({ checks }: { checks: readonly Check[] }): string {
  return checks
    .map((c) => (c.holds ? `  holds   ${c.promise}: ${c.detail}` : `  BROKEN  ${c.promise}: ${c.detail}${brokenText(c)}`))
    .join("\n");
}

function brokenText({ broken, examples }: Check): string {
  const more = broken > examples.length ? [`… ${broken} in all`] : [];
  return [...examples, ...more].map((line) => `\n          ${line}`).join("");
}
