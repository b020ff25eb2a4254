import type { Clock } from "../../core/ports/clock.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { type ImportCounts, identityOf, openState, removeState, saveState } from "./import-state.ts";
import { type Entry, type ListFormat, readList } from "./read-list.ts";
import { openRejectReport } from "./reject-report.ts";
import type { Parsed, Row, RowFault } from "./row.ts";

export interface Numbered<Item> {
  line: number;
  item: Item;
}

/** "unanswered": the store did not confirm it; it may be stored all the same, and applying it again is safe. */
export type Applied = "changed" | "unchanged" | "unanswered" | readonly RowFault[];

/** What a list holds, and how one of its records is stored. */
export interface ListKind<Item> {
  name: string;
  columns: readonly string[];
  /** Checks what needs no store. Pure. */
  parse(row: Row): Parsed<Item>;
  /** An answer for each, in order. Those of one subject are applied in order. Writes nothing in a dry run, and answers what it would do. */
  apply(items: readonly Numbered<Item>[], source: { file: string; dryRun: boolean }): Promise<readonly Applied[]>;
}

export interface ImportOptions {
  path: string;
  /** How the history names the file. */
  name: string;
  app: string;
  format: ListFormat;
  dryRun: boolean;
  resume: boolean;
  /** Records per second; undefined: as fast as the store answers. */
  rate?: number | undefined;
  onProgress?: (counts: ImportCounts) => void;
}

interface ImportResult {
  counts: ImportCounts;
  /** The line after which it went on; 0: at the beginning. */
  from: number;
  /** Absent: none was rejected. */
  report?: string;
}

/** Records applied at once: one read of the store, and then as many writes as it takes at a time. */
const BATCH = 500;
/** Attempts to store a batch, and ms before the second; before the n-th, n - 1 times as long. In all half a minute: longer than an election. */
const ATTEMPTS_MAX = 9;
const RETRY_AFTER_MS = 1_000;

/**
 * Imports a list, a batch after the other. What it remembers beside the file after each batch lets it go on there. A batch that was under way when the
 * process died is applied again, and what was stored of it then counts as unchanged.
 */
export async function importList<Item>(
  kind: ListKind<Item>,
  clock: Pick<Clock, "monotonic" | "sleep">,
  options: ImportOptions,
): Promise<ImportResult> {
  const { path, app, format, dryRun, resume, rate } = options;
  const file = identityOf(path);
  const job = { list: kind.name, app, format };
  const state = dryRun ? undefined : openState(path, job, file, resume);
  const counts: ImportCounts = state?.counts ?? { changed: 0, unchanged: 0, rejected: 0 };
  using report = openRejectReport(`${path}.rejected.jsonl`, state?.reportBytes ?? 0);
  const startedAt = clock.monotonic();
  let done = 0;

  const apply = async (entries: readonly Entry[]) => {
    const parsed = entries.map((entry) => ({
      entry,
      parsed: entry.row ? kind.parse(entry.row) : ({ kind: "faults", faults: entry.faults } as const),
    }));
    const items = parsed.flatMap(({ entry, parsed: p }) => (p.kind === "item" ? [{ line: entry.at.line, item: p.item }] : []));
    const answers = (await applyUntilAnswered(kind, clock, items, { file: options.name, dryRun })).values();
    for (const { entry, parsed: p } of parsed) {
      const answer = p.kind === "faults" ? p.faults : answers.next().value;
      if (answer === "changed" || answer === "unchanged") counts[answer]++;
      else if (answer !== undefined && answer !== "unanswered") {
        counts.rejected++;
        report.add(entry.at.line, entry.row, answer);
      }
    }
    const last = entries.at(-1);
    if (!dryRun && last) saveState(path, { job, file, place: last.at, counts, reportBytes: report.bytes });
    done += entries.length;
    options.onProgress?.(counts);
    const waitMs = rate === undefined ? 0 : (done / rate) * 1_000 - (clock.monotonic() - startedAt);
    if (waitMs > 0) await clock.sleep(waitMs);
  };

  let batch: Entry[] = [];
  const size = Math.min(BATCH, Math.ceil(rate ?? BATCH));
  for await (const entry of readList(path, format, kind.columns, state?.place ?? { offset: 0, line: 0 })) {
    batch.push(entry);
    if (batch.length < size) continue;
    await apply(batch);
    batch = [];
  }
  if (batch.length > 0) await apply(batch);
  if (!dryRun) removeState(path);
  return { counts, from: state?.place.line ?? 0, ...(report.bytes > 0 && { report: report.path }) };
}

async function applyUntilAnswered<Item>(
  kind: ListKind<Item>,
  clock: Pick<Clock, "sleep">,
  items: readonly Numbered<Item>[],
  source: { file: string; dryRun: boolean },
): Promise<Applied[]> {
  const answers: Applied[] = items.map(() => "unanswered");
  for (let attempt = 1; ; attempt++) {
    const open = answers.flatMap((answer, i) => (answer === "unanswered" ? [i] : []));
    if (open.length === 0) return answers;
    if (attempt > ATTEMPTS_MAX) throw new OperatorError("the store does not answer; once it does, go on with --resume");
    if (attempt > 1) await clock.sleep(RETRY_AFTER_MS * (attempt - 1));
    const again = await kind.apply(
      open.map((i) => items[i]!),
      source,
    );
    for (const [n, i] of open.entries()) answers[i] = again[n] ?? "unanswered";
  }
}
