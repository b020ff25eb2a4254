import { setTimeout as delay } from "node:timers/promises";
import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import { type Delivery, isOpen } from "../../core/delivery/notification.ts";
import { reasonText } from "../../core/delivery/reason.ts";
import type { NotificationStore } from "../../core/ports/notification-store.ts";
import { fail } from "../command.ts";
import { EXIT } from "../exit-status.ts";
import { readLines } from "../gateway/read-lines.ts";
import { printable } from "../output.ts";

/** Between two readings, in ms: people would not notice a shorter one. */
const POLL_MS = 500;
/** Notifications read at the same time. */
const CONCURRENCY = 20;
/** A notification's id, alone or as the beginning of a delivery's or an attempt's. */
const ID = /^([0-9a-f]{32})(-\d+)?(\/\d+)?$/;

/** Ids of the arguments; "-" stands for those of standard input, at most `max` together. */
export async function idsOf(given: readonly string[], max: number): Promise<string[]> {
  const ids = new Set<string>();
  const add = (word: string) => {
    const id = ID.exec(word)?.[1] ?? fail(`"${printable(word.slice(0, 40))}" is not an id: it must be 32 hex digits, or begin with an id`);
    ids.add(id);
    if (ids.size > max) fail(`at most ${max} notifications are followed at once`);
  };
  for (const word of given.filter((one) => one !== "-")) add(word);
  if (given.includes("-"))
    for await (const line of readLines("-")) {
      const id = line.startsWith("{") ? idOfResult(line) : line.trim();
      if (id) add(id);
    }
  if (ids.size === 0) fail("standard input has no id of a notification");
  return [...ids];
}

/** The id in a line that `send` prints. Undefined for a rejected line, which is printed. */
function idOfResult(line: string): string | undefined {
  let result: { line?: unknown; notificationId?: unknown; error?: { message?: unknown } };
  try {
    result = JSON.parse(line) as typeof result;
  } catch {
    return fail("a line of standard input is not JSON");
  }
  if (typeof result.notificationId === "string") return result.notificationId;
  process.stderr.write(`carillon tail: line ${Number(result.line)} was rejected: ${printable(String(result.error?.message))}\n`);
  return undefined;
}

/** Prints every change that a reading finds, until all have ended or the time is over; what is not stored is said at once. Resolves to the exit status. */
export async function followNotifications(
  notifications: Pick<NotificationStore, "find">,
  ids: readonly string[],
  { json, forMs }: { json: boolean; forMs: number },
): Promise<number> {
  const until = performance.now() + forMs;
  const shown = new Map<string, string>();
  let left = [...ids];
  let unknown = 0;
  for (;;) {
    const open: string[] = [];
    for (let i = 0; i < left.length; i += CONCURRENCY) {
      const some = left.slice(i, i + CONCURRENCY);
      const records = await Promise.all(some.map((id) => notifications.find(id)));
      for (const [at, record] of records.entries()) {
        for (const d of record?.deliveries ?? []) {
          const state = stateText(d);
          if (shown.get(d.id) === state) continue;
          shown.set(d.id, state);
          process.stdout.write(`${json ? changeJson(d) : changeText(d, state)}\n`);
        }
        if (record === undefined) {
          // What a gateway has accepted is stored before it answers.
          process.stderr.write(`carillon tail: there is no notification ${some[at]} in this store\n`);
          unknown++;
        } else if (record.deliveries.some((d) => isOpen(d.state))) open.push(some[at]!);
      }
    }
    left = open;
    if (left.length === 0) return unknown > 0 ? EXIT.failed : EXIT.ok;
    if (performance.now() > until) {
      process.stderr.write(`carillon tail: ${left.length} of ${ids.length} notifications have not ended\n`);
      return EXIT.failed;
    }
    await delay(POLL_MS);
  }
}

/** The text by which two readings are compared: a line is printed where it changed. */
const stateText = ({ state, attempt, reason }: Delivery) =>
  [state, ...(attempt > 1 ? attemptText(state, attempt) : []), ...(reason ? [reasonText(reason)] : [])].join("  ");

/** What it waits for, or what its end or doubt is about. One that ended without a call used a number up all the same. */
function attemptText(state: Delivery["state"], attempt: number): string[] {
  if (state === "pending") return [`for attempt ${attempt}`];
  return state === "suppressed" || state === "expired" || state === "cancelled" ? [] : [`attempt ${attempt}`];
}

const changeText = ({ id, channel, endpoint }: Delivery, state: string) =>
  printable(`${new Date().toISOString()}  ${id}  ${channel.padEnd(7)} ${endpoint ? maskEndpoint(endpoint) : "-"}  ${state}`);

const changeJson = ({ id, channel, endpoint, state, attempt, reason }: Delivery) =>
  JSON.stringify({ at: new Date(), delivery: id, channel, endpoint: endpoint && maskEndpoint(endpoint), state, attempt, reason });
