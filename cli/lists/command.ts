import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { importList } from "../../operations/lists/import-list.ts";
import { LIST_FORMATS, type ListFormat } from "../../operations/lists/read-list.ts";
import { writeList } from "../../operations/lists/write-list.ts";
import { systemClock } from "../../runtime/clock.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { readApp } from "../apps/with-apps.ts";
import { type Command, fail, type Invocation, positive, text } from "../command.ts";
import { openStoreOf } from "../open-store.ts";
import { loggedChange, OPTIONAL_ORDER_USAGE, ORDER_OPTIONS, readOptionalOrder } from "../order.ts";
import { createProgress } from "../progress.ts";
import { LIST_NAMES, LISTS, type ListName, openListKind } from "./open-lists.ts";

const ABOUT: Readonly<Record<ListName, string>> = {
  "opt-outs": "refusals and consents",
  suppressions: "blocked endpoints: STOP, complaints, bounces, an operator's",
  contacts: "registered endpoints",
};

/** Lists of an app as files, of the store that STORE_URL names. */
export const LIST_COMMANDS: Readonly<Record<string, Command>> = Object.fromEntries(LIST_NAMES.flatMap(commandsOf));

function commandsOf(list: ListName): [string, Command][] {
  const importing: Command = {
    about: `stores the records of a CSV or JSONL file: ${ABOUT[list]}; exit status 1 if some were rejected, which FILE.rejected.jsonl lists (STORE_URL, REDIS_URL)`,
    usage: `FILE --app ID [--format csv|jsonl] [--rate PER_SECOND] [--dry-run | --resume] ${OPTIONAL_ORDER_USAGE}`,
    options: {
      ...ORDER_OPTIONS,
      ...{ app: { type: "string" }, format: { type: "string" }, rate: { type: "string" } },
      ...{ "dry-run": { type: "boolean" }, resume: { type: "boolean" } },
    },
    run: (invocation) => runImport(list, invocation),
  };
  const exporting: Command = {
    about: `writes an app's ${ABOUT[list]} as CSV or JSONL, in the form that import reads (STORE_URL)`,
    usage: "--app ID [--format csv|jsonl] [--out FILE]",
    options: { app: { type: "string" }, format: { type: "string" }, out: { type: "string" } },
    run: (invocation) => runExport(list, invocation),
  };
  return [
    [`${list} import`, importing],
    [`${list} export`, exporting],
  ];
}

async function runImport(list: ListName, { values, positionals, env }: Invocation): Promise<number> {
  const path = positionals[0] ?? fail("takes one FILE");
  const app = readApp({ values });
  const format = formatOf(values.format, path);
  const [dryRun, resume] = [values["dry-run"] === true, values.resume === true];
  if (dryRun && resume) fail("--dry-run and --resume exclude each other");
  const order = readOptionalOrder({ values });
  const rate = values.rate === undefined ? undefined : positive(values.rate, "--rate", 1_000_000);
  await using stack = new AsyncDisposableStack();
  const opened = await openStoreOf(env, app, stack);
  const kind = await openListKind(list, env, opened, stack);
  const progress = createProgress("records");
  let shown = 0;
  const began = performance.now();
  const run = () =>
    importList(kind, systemClock, {
      ...{ path, name: basename(path), app, format, dryRun, resume, rate },
      onProgress({ changed, unchanged, rejected }) {
        progress.add(changed + unchanged + rejected - shown);
        shown = changed + unchanged + rejected;
      },
    }).finally(() => progress.end());
  const of = { ...order, action: `${list} import`, target: `app:${app}` };
  const imported = dryRun
    ? await run()
    : await loggedChange(opened.store, of, run, ({ counts }) => `stored ${counts.changed}, rejected ${counts.rejected}`);
  const { counts, from, report } = imported;
  const seconds = (performance.now() - began) / 1_000;
  const lines = [
    ...(from > 0 ? [`went on after line ${from}; the counts are those of the whole file`] : []),
    `${dryRun ? "would store" : "stored"} ${counts.changed}, found ${counts.unchanged} already stored, rejected ${counts.rejected}, in ${seconds.toFixed(1)} s`,
    ...(report === undefined ? [] : [`rejected records: ${report}`]),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return counts.rejected > 0 ? 1 : 0;
}

async function runExport(list: ListName, { values, env }: Invocation): Promise<number> {
  const app = readApp({ values });
  const out = text(values.out);
  const format = formatOf(values.format, out ?? ".csv");
  await using stack = new AsyncDisposableStack();
  const { store } = await openStoreOf(env, app, stack);
  const { columns, rows } = LISTS[list];
  const lines = () => Readable.from(writeList(counted(rows(store, app)), format, columns));
  if (out === undefined) await pipeline(lines(), process.stdout, { end: false });
  else await writeWhole(out, lines());
  return 0;
}

/** The file is there only once it is complete. It holds addresses, so only its owner may read it. */
async function writeWhole(path: string, lines: Readable): Promise<void> {
  const part = `${path}.part`;
  try {
    await pipeline(lines, createWriteStream(part, { mode: 0o600, flush: true }));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    const { code, syscall } = error as NodeJS.ErrnoException;
    throw syscall === undefined ? error : new OperatorError(`${path} cannot be written (${code})`);
  }
}

async function* counted<T>(rows: AsyncIterable<T>): AsyncGenerator<T> {
  const progress = createProgress("records");
  try {
    for await (const row of rows) {
      progress.add(1);
      yield row;
    }
  } finally {
    progress.end();
  }
}

function formatOf(given: unknown, path: string): ListFormat {
  const wanted = text(given) ?? /\.([a-z]+)$/.exec(path)?.[1];
  return LIST_FORMATS.find((f) => f === wanted) ?? fail(`--format must be one of ${LIST_FORMATS.join(", ")}`);
}
