import type { OperatorAction, SteeringRecord } from "../../core/ports/steering-store.ts";
import { targetKey } from "../../core/steering/target.ts";
import type { DrainReport } from "../../operations/steering/drain.ts";
import { obstacleWords } from "../../operations/steering/obstacles.ts";
import { replacedWords } from "../../operations/steering/orders.ts";
import type { Paused } from "../../operations/steering/pauses.ts";
import type { ResendRefusal, Resent } from "../../operations/steering/resend.ts";
import { printable } from "../output.ts";
import { table } from "../table.ts";

const moment = (at: number | undefined) => (at === undefined ? "" : new Date(at).toISOString());
const STATES = { paused: "paused", drained: "drained", resumed: "being resumed" } as const;

/** @param isCounted whether `waiting` counts all */
export function steeringText(records: readonly (SteeringRecord & { waiting?: number })[], isCounted = true): string {
  if (records.length === 0) return "nothing is paused";
  const rows = records.map(({ target, state, to, at, until, actor, reason, waiting }) => [
    ...[targetKey(target), to === undefined ? STATES[state] : `${STATES[state]} to ${to}`, moment(at), moment(until), actor],
    ...[waiting === undefined ? "" : `${waiting}`, reason],
  ]);
  const more = isCounted ? "" : "\nmore than 100,000 notifications are open, so the counts are lower bounds";
  return `${table(["target", "state", "since", "until", "by", "waiting", "why"], rows)}${more}`;
}

const STANDS = "another order stands (--replace gives this one all the same; what it replaces does not come back by itself):";

export function pauseText(paused: Paused): string {
  const orders = replacedWords(paused.target, paused.replaced, paused.done ? "was" : "is");
  if (paused.done) return [steeringText([paused.record]), ...orders.map(printable)].join("\n");
  return ["nothing was changed", section(STANDS, orders)].join("\n");
}

/** What was done and gone over, or what has to be accepted first. */
export function drainText({ done, target, moved, waits, replaced }: DrainReport, from: string, to: string): string {
  const apps = moved.map(({ app, from: before, to: after }) => `${app}: ${before} becomes ${after}`);
  const orders = replacedWords(target, replaced, done ? "was" : "is");
  const head = done
    ? `${from} is drained to ${to}; deliveries for which dispatchers know no account there wait with the reason paused`
    : "nothing was changed";
  return [
    head,
    section(done ? "deliveries may wait:" : "deliveries would wait (--accept-waiting drains all the same):", obstacleWords(waits)),
    section(done ? "" : "these apps would send by an account of another name (--change-accounts does it):", apps),
    section(done ? "" : STANDS, orders),
    waits.circuitsUnread === undefined ? "" : `which circuits are open could not be checked: ${waits.circuitsUnread}`,
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** Its lines under a heading, where there are any. */
const section = (heading: string, lines: readonly string[]) =>
  lines.length === 0 ? "" : [...(heading === "" ? [] : [heading]), ...lines.map((line) => `  ${printable(line)}`)].join("\n");

export function actionsText(actions: readonly OperatorAction[], limit: number): string {
  if (actions.length === 0) return "no actions";
  const rows = actions.map(({ at, actor, action, target, result = "begun", reason }) => [
    moment(at),
    actor,
    action,
    target,
    result,
    reason,
  ]);
  const more = actions.length === limit ? `\nolder ones: --before ${actions.at(-1)!.id}` : "";
  return `${table(["when", "who", "what", "target", "result", "why"], rows)}${more}`;
}

const REFUSALS: Readonly<Record<ResendRefusal, string>> = {
  unknown: "there is no such notification",
  open: "not resent: it is still open, and will be sent or end by itself",
  "content-gone": "not resent: its content is no longer in the store; send again under a new key",
  "nothing-to-send": "not resent: all of its deliveries were suppressed or cancelled",
};

export function resentText(result: Resent): string {
  if (!("notificationId" in result)) return REFUSALS[result.kind];
  return `${result.kind === "resent" ? "resent as" : "a command with the same reason resent it before as"} ${result.notificationId}`;
}
