import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openConfiguredStore, storeVariables } from "../adapters/store/store-config.ts";
import { CHANNELS } from "../core/delivery/channel.ts";
import { isReasonCode, REASON_CODES } from "../core/delivery/reason.ts";
import type { DeadLetterFilter } from "../operations/dead-letters/dead-letters.ts";
import { type RedriveEnd, type RedriveReport, redrive, type Selection } from "../operations/dead-letters/redrive.ts";
import { readConfig } from "../runtime/config.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type Command, count, duration, fail, type Invocation, moment, positive, text } from "./command.ts";
import { countsText, type DeadLetter, letterText, listDeadLetters, printable } from "./dead-list.ts";

const FILTER_OPTIONS = {
  channel: { type: "string" },
  reason: { type: "string" },
  app: { type: "string" },
  since: { type: "string" },
  until: { type: "string" },
} as const;
const FILTER_USAGE = "[--channel C] [--reason CODE] [--app ID] [--since 2h|TIME] [--until 2h|TIME]";
const SHOWN = 100;
/** Kept in memory with --json. */
const SHOWN_MAX = 100_000;
const POISON_SHOWN = 20;
/** Each may have a MiB. */
const POISON_SHOWN_MAX = 500;

/** What operators do about deliveries that failed, and about messages nobody could handle (STORE_URL). */
export const DEAD_COMMANDS: Readonly<Record<string, Command>> = {
  "dead list": {
    about: "lists deliveries that failed, the earliest first, and counts them by channel and reason (STORE_URL)",
    usage: `${FILTER_USAGE} [--limit N] [--json]`,
    options: { ...FILTER_OPTIONS, limit: { type: "string" }, json: { type: "boolean" } },
    async run({ values, env }) {
      const filter = readFilter(values, Date.now());
      const limit = values.limit === undefined ? SHOWN : count(values.limit, "--limit", SHOWN_MAX);
      await using store = await openConfiguredStore(readConfig(storeVariables, env));
      const letters: DeadLetter[] = [];
      const asJson = values.json === true;
      const { total, counts } = await listDeadLetters(store, filter, limit, (letter) => {
        if (asJson) letters.push(letter);
        else process.stdout.write(`${letterText(letter)}\n`);
      });
      const deliveries = letters.map((l) => ({ ...l, endedAt: new Date(l.endedAt).toISOString() }));
      if (asJson) process.stdout.write(`${JSON.stringify({ total, counts, deliveries }, null, 2)}\n`);
      else process.stdout.write(`${total === 0 ? "" : "\n"}${countsText(total, Math.min(total, limit), counts)}\n`);
      return 0;
    },
  },
  "dead redrive": {
    about: "sends what failed again, under the same ids; exit status 1 when something was left behind (STORE_URL)",
    usage: `--all | ${FILTER_USAGE} | ID...  [--uncertain] [--expires-in 1h] [--rate PER_SECOND] [--dry-run]`,
    options: {
      ...FILTER_OPTIONS,
      all: { type: "boolean" },
      uncertain: { type: "boolean" },
      "expires-in": { type: "string" },
      rate: { type: "string" },
      "dry-run": { type: "boolean" },
    },
    async run({ values, positionals, env }) {
      const now = Date.now();
      const selection = readSelection(values, positionals, now);
      const expiresIn = text(values["expires-in"]);
      const options = {
        terms: {
          uncertain: values.uncertain === true,
          expiresInMs: expiresIn === undefined ? undefined : duration(expiresIn, "--expires-in"),
        },
        rate: values.rate === undefined ? undefined : positive(values.rate, "--rate", 1_000_000),
        dryRun: values["dry-run"] === true,
        now,
      };
      await using store = await openConfiguredStore(readConfig(storeVariables, env));
      const report = await redrive(store, selection, options);
      process.stdout.write(reportText(report, options.dryRun));
      return LEFT.some(([end]) => report[end].count > 0) ? 1 : 0;
    },
  },
  "dead poison": {
    about: "lists messages of the queue that nobody could handle, the newest first; --out writes their bytes (STORE_URL)",
    usage: "[--limit N] [--out DIR]",
    options: { limit: { type: "string" }, out: { type: "string" } },
    async run({ values, env }) {
      const limit = values.limit === undefined ? POISON_SHOWN : count(values.limit, "--limit", POISON_SHOWN_MAX);
      const out = text(values.out);
      await using store = await openConfiguredStore(readConfig(storeVariables, env));
      const kept = await store.poison.list(limit);
      for (const { id, channel, notificationClass, reason, bytes, keptAt } of kept) {
        const about = [
          new Date(keptAt).toISOString(),
          channel.padEnd(7),
          notificationClass.padEnd(13),
          printable(id),
          `${bytes.length} bytes`,
        ];
        process.stdout.write(`${[...about, printable(reason)].join("  ")}\n`);
        if (out !== undefined) writeBytes(out, id, bytes);
      }
      process.stdout.write(kept.length === 0 ? "no poison\n" : "");
      return 0;
    },
  },
};

function readFilter(values: Invocation["values"], now: number): DeadLetterFilter {
  const channel = text(values.channel);
  if (channel !== undefined && !CHANNELS.some((c) => c === channel)) fail(`--channel must be one of ${CHANNELS.join(", ")}`);
  const reason = text(values.reason);
  if (reason !== undefined && !isReasonCode(reason)) fail(`--reason must be one of ${REASON_CODES.join(", ")}`);
  const [since, until] = [text(values.since), text(values.until)];
  return {
    ...{ channel, reason, app: text(values.app) },
    from: since === undefined ? 0 : moment(since, "--since", now),
    // What fails from now on, also what fails again, is not meant.
    to: until === undefined ? now : moment(until, "--until", now),
  };
}

function readSelection(values: Invocation["values"], ids: readonly string[], now: number): Selection {
  const hasFilter = Object.keys(FILTER_OPTIONS).some((option) => values[option] !== undefined);
  const ways = [values.all === true, hasFilter, ids.length > 0].filter(Boolean).length;
  if (ways !== 1) fail("which ones? --all, or filters, or ids, and one of these only");
  for (const id of ids) if (!/^[0-9a-f]{32}(-\d{1,9})?$/.test(id)) fail(`"${id.slice(0, 60)}" is no delivery's id, nor a notification's`);
  return ids.length > 0 ? { kind: "ids", ids } : { kind: "filter", filter: readFilter(values, now) };
}

const LEFT: readonly (readonly [end: RedriveEnd, said: string])[] = [
  ["may-be-sent", "may have been sent, left (--uncertain redrives them too, and may have them arrive twice)"],
  ["expired", "expired, left (--expires-in gives more time)"],
  ["gone", "whose endpoint is gone, left (given by id, they are tried)"],
  ["not-failed", "did not fail, or no longer, left"],
  ["changed", "changed meanwhile, left to whoever changed them"],
  ["unknown", "unknown, or with nothing that failed"],
];

function reportText(report: RedriveReport, dryRun: boolean): string {
  const lines = [`${report.redriven.count} ${dryRun ? "would be redriven" : "redriven"}`];
  for (const [end, said] of LEFT) {
    const { count, examples } = report[end];
    if (count === 0) continue;
    lines.push(`${count} ${said}`, ...examples.map((id) => `  ${id}`), ...(count > examples.length ? ["  …"] : []));
  }
  return `${lines.join("\n")}\n`;
}

/** They hold addresses and texts: readable by their owner alone. */
function writeBytes(directory: string, id: string, bytes: Uint8Array): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // An id has slashes, and may have anything.
    writeFileSync(join(directory, `${encodeURIComponent(id)}.bin`), bytes, { mode: 0o600 });
  } catch (error) {
    throw new OperatorError(`cannot write into ${directory}: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
}
