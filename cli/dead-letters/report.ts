import { reasonText } from "../../core/delivery/reason.ts";
import type { DeadLetter, DeadLetterCount } from "../../operations/dead-letters/list.ts";
import type { RedriveEnd, RedriveOptions, RedriveReport, Selection } from "../../operations/dead-letters/redrive.ts";
import { ORDER_USAGE } from "../order.ts";
import { printable } from "../output.ts";
import { table } from "../table.ts";

/** One line each, printed as it is found. */
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
  const more = total > shown ? `, the first ${shown} listed` : "";
  return total === 0 ? "no dead letters" : `${total} dead letters${more}\n\n${table(["channel", "count", "reason"], rows)}`;
}

/** What a redrive left unchanged, and the text for it, in the order printed. */
export const LEFT: readonly (readonly [end: RedriveEnd, text: string])[] = [
  ["may-be-sent", "not redriven: may have been sent (--uncertain redrives them too; they may then arrive twice)"],
  ["expired", "not redriven: expired (--expires-in gives more time)"],
  ["gone", "not redriven: the endpoint is gone (give the id to try anyway)"],
  ["content-lost", "not redriven: the content is no longer in the store (send again under a new key)"],
  ["not-failed", "not redriven: not failed, or no longer"],
  ["changed", "not redriven: changed by someone else in the meantime"],
  ["unknown", "not found, or without a failed delivery"],
];

export function reportText(report: RedriveReport, dryRun: boolean): string {
  const lines = [`${report.redriven.count} ${dryRun ? "would be redriven" : "redriven"}`];
  for (const [end, text] of LEFT) {
    const { count, examples } = report[end];
    if (count === 0) continue;
    lines.push(`${count} ${text}`, ...examples.map((id) => `  ${id}`), ...(count > examples.length ? ["  …"] : []));
  }
  return `${lines.join("\n")}\n`;
}

/** How many deliveries and ids have their result. */
export const sumOf = (report: RedriveReport): number => Object.values(report).reduce((sum, { count }) => sum + count, 0);

/** After a redrive that was stopped: the command that does the rest, and leaves out what failed again meanwhile. */
export function goOnText(
  selection: Selection,
  { terms: { uncertain, expiresInMs }, rate, dryRun }: Omit<RedriveOptions, "recorder">,
): string {
  if (selection.kind === "ids") return "stopped; the same command goes on, and finds what was redriven no longer failed\n";
  const { channel, reason, app, from, to } = selection.filter;
  const options = {
    ...{ channel, reason, app, since: from === 0 ? undefined : new Date(from).toISOString(), until: new Date(to).toISOString() },
    "expires-in": expiresInMs === undefined ? undefined : `${Math.ceil(expiresInMs / 1_000)}s`,
    rate,
  };
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [` --${name} ${value}`]));
  const flags = `${uncertain ? " --uncertain" : ""}${dryRun ? " --dry-run" : ` ${ORDER_USAGE}`}`;
  return `stopped; what was redriven stays so. This goes on:\n  carillon dead redrive${given.join("")}${flags}\n`;
}
