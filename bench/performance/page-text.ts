import type { Summary } from "../summary.ts";
import { BUSY, type Figure, type StoreName } from "./figure.ts";

export const STORE_TITLES: Readonly<Record<StoreName, string>> = { sqlite: "SQLite", mongodb: "MongoDB stand-in" };
export const STORES = ["sqlite", "mongodb"] as const;

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Three significant digits. */
export function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(Math.abs(value) < 0.1 ? 2 : 3)));
}
export const withUnit = (text: string, unit: string) => (unit === "" ? text : unit.startsWith("/") ? `${text}${unit}` : `${text} ${unit}`);
/** Whether the machine was busy is said of the value, so that one figure of two stores keeps one name. */
export const nameOf = ({ what }: Figure) => what.replace(BUSY, "");
export const shownFigure = ({ what, value, unit }: Figure) => `${summaryText(value, unit)}${what.endsWith(BUSY) ? ", busy machine" : ""}`;
const summaryText = ({ median, min, max, n }: Summary, unit: string) =>
  n === 1 ? withUnit(number(median), unit) : `${withUnit(number(median), unit)} (${number(min)}-${number(max)}; n ${n})`;
