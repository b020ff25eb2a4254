import { reasonText } from "../../core/delivery/reason.ts";
import { REASON_WORDS } from "../../core/delivery/reason-words.ts";
import type { Steering } from "../../core/steering/steering.ts";
import { APPS_COUNTED_MAX, type OpenOfApp } from "../../operations/status/open-by-app.ts";
import { FAILED_MAX, type Waiting } from "../../operations/status/waiting.ts";
import { checksText } from "../audit/report.ts";
import { printable } from "../output.ts";
import { steeringText } from "../steering/report.ts";
import { table } from "../table.ts";
import type { CircuitStatus } from "./circuits.ts";
import type { QueueStatus } from "./queues.ts";
import type { RoleStatus } from "./roles.ts";

/** Apps with the most open notifications that are listed. */
const APPS_SHOWN = 5;

export interface Status {
  roles: readonly RoleStatus[];
  waiting: StoredStatus | undefined;
  queues: readonly QueueStatus[] | undefined;
  circuits: CircuitStatus | undefined;
}

/** What the store says. */
export interface StoredStatus extends Waiting {
  /** The app with the most open first. */
  apps: readonly OpenOfApp[];
  /** There are more apps than were counted. */
  areAppsCut: boolean;
  /** What is paused or drained. */
  steering: Steering;
}

/** What is known, a section each. */
export function statusText({ roles, waiting, queues, circuits }: Status): string {
  return [
    ...(roles.length > 0
      ? [
          table(
            ["role", "state"],
            roles.map(({ name, words }) => [name, words.join("; ")]),
          ),
        ]
      : []),
    ...(queues ? [queuesText(queues)] : []),
    ...(circuits ? [circuitsText(circuits)] : []),
    ...(waiting ? [waitingText(waiting)] : []),
  ].join("\n\n");
}

function queuesText(queues: readonly QueueStatus[]): string {
  const faults = new Set(queues.map((queue) => ("why" in queue ? queue.why : undefined)));
  const [fault] = faults;
  if (faults.size === 1 && fault !== undefined) return `  queues cannot be read: ${fault}`;
  return table(["queue", "waiting", "handed out", "oldest"], queues.map(queueRow));
}

const queueRow = (queue: QueueStatus) =>
  "why" in queue ? [queue.channel, queue.why] : [queue.channel, queue.waiting, queue.handedOut, secondsText(queue.oldestMs)];

function circuitsText(circuits: CircuitStatus): string {
  if ("why" in circuits) return `  circuits cannot be read: ${circuits.why}`;
  const { notClosed } = circuits;
  if (notClosed.length === 0) return "  no circuit is open: every account that was called lately answers";
  const rows = notClosed.map(({ channel, account, part, state, since, reason }) => [
    ...[channel, account, part, state, new Date(since).toISOString(), printable(reasonText(reason))],
  ]);
  return table(["channel", "circuit of", "part", "state", "since", "why"], rows);
}

function waitingText({ open, outbox, failed, promises, apps, areAppsCut, steering }: StoredStatus): string {
  const inDoubt = open.reduce((sum, { state, count }) => sum + (state === "uncertain" ? count : 0), 0);
  const rows = open.map(({ channel, state, reason, count }) => [channel, state === "uncertain" ? "in doubt" : state, count, reason]);
  const reasons = [...new Set(open.map(({ reason }) => reason))].filter((reason) => reason !== "none");
  return [
    open.length === 0 ? "  nothing is open: every delivery has ended" : table(["channel", "state", "open", "reason"], rows),
    ...(reasons.length > 0 ? ["", ...reasons.map((reason) => `  ${reason}: ${REASON_WORDS[reason].advice.replaceAll("`", "")}`)] : []),
    ...(apps.length > 0 ? ["", appsText(apps, areAppsCut)] : []),
    ...(steering.length > 0 ? ["", steeringText(steering)] : []),
    "",
    table(
      ["outbox", "due", "oldest"],
      outbox.map(({ notificationClass, count, oldestMs }) => [notificationClass, count, secondsText(oldestMs)]),
    ),
    "",
    `  ${inDoubt} in doubt; ${failed}${failed === FAILED_MAX ? " or more" : ""} notifications failed in the last 24 h (carillon dead list)`,
    ...(promises ? ["", checksText({ checks: promises })] : []),
  ].join("\n");
}

function appsText(apps: readonly OpenOfApp[], isCut: boolean): string {
  const rows = apps.slice(0, APPS_SHOWN).map(({ app, open, isCut }) => [app, isCut ? `${open} or more` : open]);
  const more = apps.length > APPS_SHOWN ? `\n  and ${apps.length - APPS_SHOWN} more apps with fewer` : "";
  const cut = isCut ? `\n  of the first ${APPS_COUNTED_MAX} apps by name: others may have more` : "";
  return `${table(["app", "open notifications"], rows)}${more}${cut}`;
}

const secondsText = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
