// docs/performance.md from the results and from page.template, which holds the text that people write.

import type { Origin } from "../compare/machine.ts";
import { isDisturbed } from "../compare/rounds.ts";
import { curveSvg } from "./curve-svg.ts";
import type { Curve, Figure, StoreName } from "./figure.ts";
import { budgetTable, targetTable } from "./page-targets.ts";
import { nameOf, number, STORE_TITLES, STORES, shownFigure, table } from "./page-text.ts";
import type { AskedQuestion } from "./questions.ts";
import type { Result } from "./results.ts";
import type { Target } from "./targets.ts";

export interface Page {
  markdown: string;
  /** SVGs by file name, in docs/images. */
  images: ReadonlyMap<string, string>;
}

export interface PageInput {
  template: string;
  results: readonly Result[];
  questions: readonly AskedQuestion[];
  targets: readonly Target[];
}

/**
 * Replaces the placeholders of the template: {{targets}}, {{budgets}}, {{machine}}, {{title NAME}} and {{answer NAME}} of a question, or {{sections}} for all
 * questions that the template does not name. Throws for an unknown placeholder.
 */
export function pageOf({ template, results, questions, targets }: PageInput): Page {
  const images = new Map<string, string>();
  const answer = (question: AskedQuestion) => answerOf(question, results, images);
  const named = (name: string) =>
    questions.find((q) => q.name === name) ?? fail(`page.template names the question "${name}", which does not exist`);
  const inText = new Set([...template.matchAll(/\{\{answer ([a-z0-9-]+)\}\}/g)].map((m) => m[1]!));
  const markdown = template.replaceAll(/\{\{([a-z]+)(?: ([a-z0-9-]+))?\}\}/g, (all, what: string, name = "") => {
    if (what === "targets") return targetTable(targets, results, questions);
    if (what === "budgets") return budgetTable(targets, results);
    if (what === "machine") return machineOf(results);
    if (what === "answer") return answer(named(name));
    if (what === "sections")
      return questions
        .filter((q) => !inText.has(q.name))
        .map((q) => `## ${q.title}\n\n${answer(q)}`)
        .join("\n\n");
    return fail(`page.template has the placeholder ${all}, which means nothing`);
  });
  return { markdown: `${markdown.replaceAll(/\n{3,}/g, "\n\n").trimEnd()}\n`, images };
}

function fail(fault: string): never {
  throw new Error(fault);
}

const machineText = ({ machine, versions }: Origin) =>
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.linux}; Node ${versions.node}, nats-server ${versions.nats}, Redis or Valkey ${versions.redis}`;

function machineOf(results: readonly Result[]): string {
  const stores = new Set(results.flatMap(({ storeVersion }) => storeVersion ?? []));
  const machines = new Set(results.map(machineText));
  return [[...machines].join(". And "), ...stores].join(". MongoDB: ").concat(results.length === 0 ? "Nothing was measured yet." : ".");
}

function answerOf(question: AskedQuestion, results: readonly Result[], images: Map<string, string>): string {
  const answers = results.filter((r) => r.question === question.name);
  if (answers.length === 0) return `Not measured yet: \`node bench/performance.ts --only ${question.name}\`.`;
  const measured = answers.map(
    (r) => `${STORE_TITLES[r.store]} on ${r.date.slice(0, 10)} at commit ${r.commit} in ${minutes(r.seconds)}${loadText(r)}`,
  );
  const tables = question.bySubject
    ? answers.map((r) => (answers.length > 1 ? `${STORE_TITLES[r.store]}:\n\n` : "") + subjectTable(r.figures))
    : [figureTable(answers)];
  const curves = answers.flatMap((r) => (r.curves ?? []).map((curve) => curveImage(curve, r, images)));
  const withStore = question.stores.length > 1 ? measured : measured.map((text) => text.replace(/^\S.*? on /, "On "));
  const notes = answers.flatMap((r) => (r.notes ?? []).map((note) => `- ${answers.length > 1 ? `${STORE_TITLES[r.store]}: ` : ""}${note}`));
  return [
    ...tables,
    ...(notes.length > 0 ? [notes.join("\n")] : []),
    ...curves,
    `<sub>${withStore.join("; ")}. \`node bench/performance.ts --only ${question.name}\`</sub>`,
  ].join("\n\n");
}

const loadText = ({ load }: Result) => {
  if (load === undefined) return "";
  const { fixedWorkMs } = load;
  const work = fixedWorkMs ? `fixed work took ${number(fixedWorkMs[0])} ms before and ${number(fixedWorkMs[1])} after, ` : "";
  const text = `${work}load before ${number(load.before)}, others used ${number(load.cores)} cores, the host took ${number(load.stolenShare * 100)} %`;
  return isDisturbed(load) ? ` (**busy machine**: ${text})` : ` (${text})`;
};
const minutes = (seconds: number) => (seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);

/** A line per figure, a column per store. */
function figureTable(answers: readonly Result[]): string {
  const figures = answers.flatMap((r) => r.figures);
  const keys = new Map(figures.map((f) => [`${f.row} ${nameOf(f)} ${f.unit}`, f]));
  const stores = STORES.filter((store) => figures.some((f) => f.store === store));
  const columns: readonly (StoreName | undefined)[] =
    figures.some((f) => f.store === undefined) || stores.length === 0 ? [undefined, ...stores] : stores;
  return table(
    ["row", "what", ...columns.map((store) => (store === undefined ? "" : STORE_TITLES[store]))],
    [...keys.values()].map((one) => [
      one.row,
      nameOf(one),
      ...columns.map((store) => {
        const figure = figures.find((f) => f.row === one.row && nameOf(f) === nameOf(one) && f.unit === one.unit && f.store === store);
        return figure === undefined ? "" : shownFigure(figure);
      }),
    ]),
  );
}

/** Of figures called "subject: measure": a line per subject, a column per measure. */
function subjectTable(figures: readonly Figure[]): string {
  const parts = figures.map((figure) => ({
    figure,
    subject: figure.what.split(": ", 1)[0]!,
    measure: nameOf(figure).replace(/^.*?: /, ""),
  }));
  const [subjects, measures] = [new Set(parts.map((p) => p.subject)), new Set(parts.map((p) => p.measure))];
  return table(
    ["", ...measures],
    [...subjects].map((subject) => [
      subject,
      ...[...measures].map((measure) => {
        const part = parts.find((p) => p.subject === subject && p.measure === measure);
        return part === undefined ? "" : shownFigure(part.figure);
      }),
    ]),
  );
}

/** Draws it, and returns the Markdown that shows it. */
function curveImage(curve: Curve, { store, question, machine, date }: Result, images: Map<string, string>): string {
  const file = `performance-${curve.name.replace(/-(sqlite|mongodb)$/, "")}${store === "sqlite" ? "" : `-${store}`}.svg`;
  if (images.has(file)) throw new Error(`two curves are called "${curve.name}"; the second is of ${question}`);
  images.set(file, curveSvg(curve, `${STORE_TITLES[store]}, ${machine.cores} cores, ${date.slice(0, 10)}`));
  return `![${curve.title}, ${STORE_TITLES[store]}](images/${file})`;
}
