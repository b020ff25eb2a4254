import { unlessAway } from "../../adapters/store/store-error.ts";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { PreferenceChange } from "../../core/preferences/change.ts";
import { noPreferences, OPT_OUTS_MAX, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { inParallel } from "../../runtime/in-parallel.ts";
import type { UpdatePreferences } from "../preferences/update.ts";
import type { Applied, Numbered } from "./import-list.ts";
import type { RowFault } from "./row.ts";

export interface PreferenceTarget {
  app: string;
  find: PreferenceStore["find"];
  update: UpdatePreferences;
}

/** What the records about one subject change of it, and an answer for each record, as if the change were stored. */
export interface SubjectPlan {
  change: Omit<PreferenceChange, "origin">;
  answers: readonly Applied[];
}

/** Changes of different subjects at once: more than the store takes into one commit. */
const CONCURRENCY = 64;
/** The history names the records that a change is from, at most in so many characters. */
const EVIDENCE_MAX = 1_000;

/** One read of all subjects, and one change of each that is not as the records say. */
export async function applyToSubjects<Item extends { subject: string }>(
  target: PreferenceTarget,
  items: readonly Numbered<Item>[],
  { file, dryRun }: { file: string; dryRun: boolean },
  plan: (record: PreferenceRecord, items: readonly Item[]) => SubjectPlan,
): Promise<Applied[]> {
  const { app } = target;
  const bySubject = [...Map.groupBy(items.keys(), (i) => items[i]!.item.subject)];
  const answers: Applied[] = items.map(() => "unanswered");
  const subjects = bySubject.map(([subject]) => subject);
  const found = await unlessAway(target.find(app, subjects));
  if (!found) return answers;
  const records = new Map(found.map((record) => [record.subject, record]));
  await inParallel(bySubject, CONCURRENCY, async ([subject, indexes]) => {
    const of = indexes.map((i) => items[i]!);
    const record = records.get(subject) ?? noPreferences(app, subject);
    const planned = plan(
      record,
      of.map(({ item }) => item),
    );
    let result = planned.answers;
    if (!dryRun && result.includes("changed")) {
      const evidence = `${file}:${linesText(of.map(({ line }) => line))}`.slice(0, EVIDENCE_MAX);
      const origin = { actor: "operator", source: "import", evidence };
      // Where the subject chose something since it was read, it is read and planned again.
      const stored = await target.update(app, subject, { ...planned.change, ifVersion: record.version, origin });
      if (stored === undefined || stored.outdated) result = result.map((answer) => (answer === "changed" ? "unanswered" : answer));
      else if (stored.tooMany) result = result.map((answer) => (answer === "changed" ? TOO_MANY : answer));
    }
    for (const [n, i] of indexes.entries()) answers[i] = result[n] ?? "unanswered";
  });
  return answers;
}

const TOO_MANY: readonly RowFault[] = [
  { field: "category", rule: "opt_outs.max", message: `the subject would have more than ${OPT_OUTS_MAX} choices of single categories` },
];

/** "3-5,9" */
export function linesText(lines: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const line of lines) {
    const last = ranges.at(-1);
    if (last && line === last[1] + 1) last[1] = line;
    else ranges.push([line, line]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}
