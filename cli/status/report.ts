import type { OpenCount } from "../../adapters/store/open-deliveries.ts";
import { reason as reasonOf, reasonText } from "../../core/delivery/reason.ts";
import type { Steering } from "../../core/steering/steering.ts";
import type { Check } from "../../operations/audit/audit.ts";
import type { RecentPromise } from "../../operations/audit/promises.ts";
import type { RecentAudit } from "../../operations/audit/recent-audit.ts";
import { APPS_COUNTED_MAX, type OpenOfApp } from "../../operations/status/open-by-app.ts";
import { FAILED_MAX, type Waiting } from "../../operations/status/waiting.ts";
import { explain } from "../../operations/why/explain.ts";
import { checksText } from "../audit/report.ts";
import { printable } from "../output.ts";
import { steeringText } from "../steering/report.ts";
import { table } from "../table.ts";
import type { CircuitStatus } from "./circuits.ts";
import type { QueueStatus } from "./queues.ts";
import type { RoleStatus } from "./roles.ts";

/** Apps with the most open notifications that are listed. */
const APPS_SHOWN = 5;

/** Details of a reason that are listed: the most frequent. */
const DETAILS_SHOWN = 3;

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
  /** Where they were checked. */
  promises?: CheckedPromises;
}

export interface CheckedPromises {
  /** Over everything stored. */
  all: readonly Check[];
  /** Of what was accepted from `from` to `at`, in ms since the epoch; of the first apps by id where `areAppsCut`. */
  recent: Pick<RecentAudit, "from" | "at" | "notifications" | "apps" | "areAppsCut"> & { promises: readonly RecentPromise[] };
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
  const rows = open.map((one) => [one.channel, one.state === "uncertain" ? "in doubt" : one.state, one.count, whyText(one)]);
  const advice = [...new Set(open.flatMap(adviceText))];
  return [
    open.length === 0 ? "  nothing is open: every delivery has ended" : table(["channel", "state", "open", "reason"], rows),
    ...(advice.length > 0 ? ["", ...advice.map((line) => `  ${line}`)] : []),
    ...(apps.length > 0 ? ["", appsText(apps, areAppsCut)] : []),
    ...(steering.length > 0 ? ["", steeringText(steering)] : []),
    "",
    table(
      ["outbox", "due", "oldest"],
      outbox.map(({ notificationClass, count, oldestMs }) => [notificationClass, count, secondsText(oldestMs)]),
    ),
    "",
    `  ${inDoubt} in doubt; ${failed}${failed === FAILED_MAX ? " or more" : ""} notifications have a delivery that failed in the last 24 h (carillon dead list)`,
    ...(promises ? ["", promisesText(promises)] : []),
  ].join("\n");
}

const WORDS: Readonly<Record<RecentPromise["state"], string>> = { held: "holds  ", broken: "BROKEN ", unchecked: "not checked:" };

/** What is over everything, and what the console shows of the last minutes. */
function promisesText({ all, recent }: CheckedPromises): string {
  const { from, notifications, apps, areAppsCut, promises } = recent;
  const of = areAppsCut ? `, of the first ${apps} apps by name` : "";
  return [
    "  Of everything stored:",
    checksText({ checks: all }),
    "",
    `  Of the ${notifications} notifications accepted since ${new Date(from).toISOString()}${of}, as the console shows it:`,
    ...promises.map(({ state, title, words, examples }) =>
      [`  ${WORDS[state]} ${title}: ${words}`, ...examples.map((id) => `          carillon why ${id}`)].join("\n"),
    ),
  ].join("\n");
}

/** The most frequent details, and how many deliveries have others where not all of them have one of these. */
function whyText({ reason, details, count }: OpenCount): string {
  const shown = details.slice(0, DETAILS_SHOWN);
  const [only] = shown;
  if (only === undefined) return reason;
  if (only.count === count) return `${reason}: ${printable(only.detail)}`;
  const others = count - shown.reduce((sum, one) => sum + one.count, 0);
  const parts = shown.map((one) => `${printable(one.detail)} (${one.count})`);
  return `${reason}: ${[...parts, ...(others > 0 ? [`other (${others})`] : [])].join(", ")}`;
}

/** What to do about what waits. */
function adviceText({ reason, state, details }: OpenCount): string[] {
  if (reason === "none") return [];
  const named = details.slice(0, DETAILS_SHOWN).map(({ detail }) => detail);
  return (named.length === 0 ? [undefined] : named).map((detail) =>
    printable(`${reason}: ${explain(reasonOf(reason, detail), state).advice}`),
  );
}

function appsText(apps: readonly OpenOfApp[], isCut: boolean): string {
  const rows = apps.slice(0, APPS_SHOWN).map(({ app, open, isCut }) => [app, isCut ? `${open} or more` : open]);
  const more = apps.length > APPS_SHOWN ? `\n  and ${apps.length - APPS_SHOWN} more apps with fewer` : "";
  const cut = isCut ? `\n  of the first ${APPS_COUNTED_MAX} apps by name: others may have more` : "";
  return `${table(["app", "open notifications"], rows)}${more}${cut}`;
}

const secondsText = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
