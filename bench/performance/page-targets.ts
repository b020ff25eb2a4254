import { budgetsOf } from "./budgets.ts";
import type { Figure, RowName, StoreName } from "./figure.ts";
import { nameOf, number, STORE_TITLES, STORES, shownFigure, table, withUnit } from "./page-text.ts";
import type { AskedQuestion } from "./questions.ts";
import type { Result } from "./results.ts";
import { figuresFor, type Target, verdictOf, worstOf } from "./targets.ts";

const NOT_MEASURED = "not measured";

/** What each row must reach, and what it has reached with each store. */
export function targetTable(targets: readonly Target[], results: readonly Result[], questions: readonly AskedQuestion[]): string {
  const head = ["row", "what", "must", "stretch", "before", ...STORES.flatMap((store) => [STORE_TITLES[store], "reached"])];
  const figures = results.flatMap((r) => r.figures);
  const isAsked = (row: RowName, store: StoreName) => questions.some(({ rows, stores }) => rows.includes(row) && stores.includes(store));
  return table(
    head,
    targets.map((target) => {
      const bound = (value: number | undefined) =>
        value === undefined ? "" : `${value === 0 ? "" : target.better === "higher" ? "≥ " : "≤ "}${withUnit(number(value), target.unit)}`;
      const about = figuresFor(target, figures);
      const hasNoStore = about.length > 0 && about.every((f) => f.store === undefined);
      const of = (store: StoreName) => {
        if (hasNoStore && store !== "sqlite") return ["no store", ""];
        if (!isAsked(target.row, store) || target.stores?.includes(store) === false) return ["SQLite only", ""];
        return reached(
          target,
          about.filter((f) => (f.store ?? "sqlite") === store),
        );
      };
      const cells = STORES.flatMap(of);
      return [target.row, target.what, bound(target.must), bound(target.stretch), target.before, ...cells];
    }),
  );
}

/** What each must leaves, and what the bare parts that the promises need add up to. */
export function budgetTable(targets: readonly Target[], results: readonly Result[]): string {
  const rows = budgetsOf(
    results.flatMap((r) => r.figures),
    targets,
  );
  if (rows.length === 0) return "Not measured yet: `node bench/performance.ts --only floors`.";
  const us = (value: number) => `${number(value)} us`;
  return table(
    ["row", "what", "the must leaves", "the bare parts need", "of these", "left for all else"],
    rows.map(({ row, of, must, yardstickUs, allowedUs, parts, partsUs }) => [
      row,
      of,
      `${us(yardstickUs)} / ${number(must)} = ${us(allowedUs)}`,
      us(partsUs),
      parts.map((part) => `${part.what} ${number(part.us)}`).join(", "),
      allowedUs > partsUs ? us(allowedUs - partsUs) : `**nothing: ${us(partsUs - allowedUs)} are missing**`,
    ]),
  );
}

/** The worst of the figures, as the target holds for each of them. */
function reached(target: Target, figures: readonly Figure[]): [value: string, verdict: string] {
  const worst = worstOf(target, figures);
  if (worst === undefined) return [NOT_MEASURED, ""];
  const value = shownFigure(worst);
  const which = figures.length > 1 ? `, worst of ${figures.length}: ${nameOf(worst)}` : "";
  const verdict = verdictOf(target, worst.value.median);
  return [`${value}${which}`, verdict === "below" ? "**no**" : verdict];
}
