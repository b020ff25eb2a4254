import { REASON_WORDS } from "../../core/delivery/reason-words.ts";
import { FAILED_MAX, type Waiting } from "../../operations/status/waiting.ts";
import { checksText } from "../audit/report.ts";
import { table } from "../table.ts";
import type { QueueStatus } from "./queues.ts";
import type { RoleStatus } from "./roles.ts";

export interface Status {
  roles: readonly RoleStatus[];
  waiting: Waiting | undefined;
  queues: readonly QueueStatus[] | undefined;
}

/** What is known, a section each. */
export function statusText({ roles, waiting, queues }: Status): string {
  return [
    ...(roles.length > 0
      ? [
          table(
            ["role", "state"],
            roles.map(({ name, words }) => [name, words.join("; ")]),
          ),
        ]
      : []),
    ...(queues ? [table(["queue", "waiting", "handed out", "oldest"], queues.map(queueRow))] : []),
    ...(waiting ? [waitingText(waiting)] : []),
  ].join("\n\n");
}

const queueRow = (queue: QueueStatus) =>
  "why" in queue ? [queue.channel, queue.why] : [queue.channel, queue.waiting, queue.handedOut, secondsText(queue.oldestMs)];

function waitingText({ open, outbox, failed, promises }: Waiting): string {
  const inDoubt = open.reduce((sum, { state, count }) => sum + (state === "uncertain" ? count : 0), 0);
  const rows = open.map(({ channel, state, reason, count }) => [channel, state === "uncertain" ? "in doubt" : state, count, reason]);
  const reasons = [...new Set(open.map(({ reason }) => reason))].filter((reason) => reason !== "none");
  return [
    open.length === 0 ? "  nothing is open: every delivery has ended" : table(["channel", "state", "open", "reason"], rows),
    ...(reasons.length > 0 ? ["", ...reasons.map((reason) => `  ${reason}: ${REASON_WORDS[reason].advice.replaceAll("`", "")}`)] : []),
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

const secondsText = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
