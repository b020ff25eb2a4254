import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { REASON_CODES } from "../../core/delivery/reason.ts";
import type { Store } from "../../core/ports/store.ts";
import { findApp } from "../../operations/apps/apps.ts";
import type { DeadLetterFilter } from "../../operations/dead-letters/dead-letters.ts";
import { type DeadLetter, listDeadLetters } from "../../operations/dead-letters/list.ts";
import { beginRedrive, type RedriveReport, type Selection } from "../../operations/dead-letters/redrive.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { readApp } from "../apps/with-apps.ts";
import { type Command, count, duration, fail, type Invocation, momentRange, oneOf, positive, text } from "../command.ts";
import { LIFETIME } from "../duration-bounds.ts";
import { EXIT } from "../exit-status.ts";
import { openNamedStore } from "../open-store.ts";
import { loggedChange, ORDER_OPTIONS, ORDER_USAGE, readOrder } from "../order.ts";
import { printable } from "../output.ts";
import { createProgress } from "../progress.ts";
import { countsText, goOnText, LEFT, letterText, reportText, sumOf } from "./report.ts";

const FILTER_OPTIONS = {
  channel: { type: "string" },
  reason: { type: "string" },
  app: { type: "string" },
  since: { type: "string" },
  until: { type: "string" },
} as const;
const FILTER_USAGE = "[--channel C] [--reason CODE] [--app ID] [--since 2h|TIME] [--until 2h|TIME]";
const LIST_LIMIT = 100;
/** Most dead letters that are listed: with --json all of them are held in memory. */
const LIST_LIMIT_MAX = 100_000;
/** Deliveries of a step of a redrive: Ctrl-C is heeded after it, within a second. */
const STEP = 200;
const POISON_LIMIT = 20;
/** Most poison messages that are listed: each may have 1 MiB. */
const POISON_LIMIT_MAX = 500;

/** Failed deliveries and poison messages, in the store that STORE_URL names. */
export const DEAD_COMMANDS: Readonly<Record<string, Command>> = {
  "dead list": {
    about: "lists deliveries that failed, the earliest first, and counts them by channel and reason (STORE_URL)",
    usage: `${FILTER_USAGE} [--limit N] [--json]`,
    options: { ...FILTER_OPTIONS, limit: { type: "string" }, json: { type: "boolean" } },
    async run({ values, env }) {
      const filter = readFilter(values, Date.now());
      const limit = count(values.limit ?? LIST_LIMIT, "--limit", LIST_LIMIT_MAX);
      await using store = await openNamedStore(env);
      await mustHave(store, filter);
      const letters: DeadLetter[] = [];
      const asJson = values.json === true;
      for await (const item of listDeadLetters(store, filter, limit)) {
        if (item.kind === "letter" && asJson) letters.push(item.letter);
        else if (item.kind === "letter") process.stdout.write(`${letterText(item.letter)}\n`);
        else {
          const { total, counts } = item;
          const deliveries = letters.map((l) => ({ ...l, endedAt: new Date(l.endedAt).toISOString() }));
          if (asJson) process.stdout.write(`${JSON.stringify({ total, counts, deliveries }, null, 2)}\n`);
          else process.stdout.write(`${total === 0 ? "" : "\n"}${countsText(total, Math.min(total, limit), counts)}\n`);
        }
      }
      return 0;
    },
  },
  "dead redrive": {
    about:
      "sends failed deliveries again, under the same ids; exit status 1 if some were left as they were; Ctrl-C stops after the deliveries at hand (STORE_URL)",
    usage: `ID... | --all | ${FILTER_USAGE} [--uncertain] [--expires-in 1h] [--rate PER_SECOND] (${ORDER_USAGE} | --dry-run)`,
    options: {
      ...FILTER_OPTIONS,
      ...ORDER_OPTIONS,
      all: { type: "boolean" },
      uncertain: { type: "boolean" },
      "expires-in": { type: "string" },
      rate: { type: "string" },
      "dry-run": { type: "boolean" },
    },
    async run({ values, positionals, env }) {
      let isInterrupted = false;
      const interrupt = () => {
        isInterrupted = true;
      };
      const now = Date.now();
      const selection = readSelection(values, positionals, now);
      const dryRun = values["dry-run"] === true;
      const order = dryRun ? undefined : readOrder({ values });
      const expiresIn = values["expires-in"];
      const options = {
        terms: {
          uncertain: values.uncertain === true,
          expiresInMs: expiresIn === undefined ? undefined : duration(expiresIn, "--expires-in", LIFETIME),
        },
        rate: values.rate === undefined ? undefined : positive(values.rate, "--rate", 1_000_000),
        dryRun,
        // The metrics of a command are never scraped.
        recorder: { record() {} },
      };
      // The second Ctrl-C ends the process at once.
      process.once("SIGINT", interrupt);
      using stack = new DisposableStack();
      stack.defer(() => process.off("SIGINT", interrupt));
      await using store = await openNamedStore(env);
      if (selection.kind === "filter") await mustHave(store, selection.filter);
      const { report, step } = beginRedrive(store, selection, options);
      const progress = createProgress("deliveries looked at");
      stack.defer(() => progress.end());
      const run = async () => {
        let isMore = true;
        while (isMore && !isInterrupted) {
          const before = sumOf(report);
          isMore = await step(STEP, now);
          progress.add(sumOf(report) - before);
        }
        return isMore;
      };
      const of = { action: "dead redrive", target: selectionText(selection, values) };
      const words = (isMore: boolean) => `${isMore ? "stopped: " : ""}${redrivenText(report)}`;
      const isMore = order === undefined ? await run() : await loggedChange(store, { ...order, ...of }, run, words);
      progress.end();
      process.stdout.write(reportText(report, dryRun));
      if (isMore) {
        process.stdout.write(goOnText(selection, options));
        return EXIT.interrupted;
      }
      return countLeft(report) > 0 ? 1 : 0;
    },
  },
  "dead poison": {
    about: "lists queue messages that no dispatcher could handle, the newest first; --out writes their bytes (STORE_URL)",
    usage: "[--limit N] [--out DIR]",
    options: { limit: { type: "string" }, out: { type: "string" } },
    async run({ values, env }) {
      const limit = count(values.limit ?? POISON_LIMIT, "--limit", POISON_LIMIT_MAX);
      const out = text(values.out);
      await using store = await openNamedStore(env);
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
  const channel = oneOf(values.channel, "--channel", CHANNELS);
  const reason = oneOf(values.reason, "--reason", REASON_CODES);
  const { since, until } = momentRange(values, now);
  // Deliveries that fail after this moment, also again, are not selected.
  return { channel, reason, app: values.app === undefined ? undefined : readApp({ values }), from: since ?? 0, to: until ?? now };
}

/** Rejects an app that does not exist: for a mistyped id, "no dead letters" would mislead. */
async function mustHave({ apps }: Store, { app }: DeadLetterFilter): Promise<void> {
  if (app !== undefined) await findApp(apps, app);
}

function readSelection(values: Invocation["values"], ids: readonly string[], now: number): Selection {
  const hasFilter = Object.keys(FILTER_OPTIONS).some((option) => values[option] !== undefined);
  const ways = [values.all === true, hasFilter, ids.length > 0].filter(Boolean).length;
  if (ways !== 1) fail("give exactly one of: --all, filters, ids");
  for (const id of ids)
    if (!/^[0-9a-f]{32}(-\d{1,9})?$/.test(id)) fail(`"${id.slice(0, 60)}" is not the id of a delivery or of a notification`);
  return ids.length > 0 ? { kind: "ids", ids } : { kind: "filter", filter: readFilter(values, now) };
}

const countLeft = (report: RedriveReport) => LEFT.reduce((sum, [end]) => sum + report[end].count, 0);
const redrivenText = (report: RedriveReport) => `${report.redriven.count} redriven, ${countLeft(report)} left as they were`;

/** For the audit log, in the command's own words. */
function selectionText(selection: Selection, values: Invocation["values"]): string {
  if (selection.kind === "ids") return selection.ids.length === 1 ? selection.ids[0]! : `${selection.ids.length} ids`;
  const given = Object.keys(FILTER_OPTIONS).flatMap((option) =>
    text(values[option]) === undefined ? [] : [`${option} ${values[option]}`],
  );
  return given.join(", ") || "all";
}

/** The bytes contain addresses and texts, so only the owner may read the files. */
function writeBytes(directory: string, id: string, bytes: Uint8Array): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Ids contain slashes, and ids of foreign messages may contain anything.
    writeFileSync(join(directory, `${encodeURIComponent(id)}.bin`), bytes, { mode: 0o600 });
  } catch (error) {
    throw new OperatorError(`cannot write into ${directory}: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
}
