import type { OperatorAction, SteeringRecord } from "../../core/ports/steering-store.ts";
import { targetKey } from "../../core/steering/target.ts";
import type { MovedApp } from "../../operations/steering/pauses.ts";
import type { ResendRefusal, Resent } from "../../operations/steering/resend.ts";
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

export function drainText({ done, moved }: { done: boolean; moved: readonly MovedApp[] }, from: string, to: string): string {
  const apps = moved.map(({ app, from: before, to: after }) => `  ${app}: ${before} becomes ${after}`);
  if (!done)
    return [`nothing was changed: these apps would send by an account of another name (--change-accounts does it):`, ...apps].join("\n");
  const waits = "deliveries for which dispatchers know no account there wait with the reason paused";
  return [`${from} is drained to ${to}; ${waits}`, ...apps].join("\n");
}

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
