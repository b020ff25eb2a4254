import type { ListFormat } from "./read-list.ts";
import type { Row } from "./row.ts";

/** The text of a list, a piece at a time. */
export async function* writeList(rows: AsyncIterable<Row>, format: ListFormat, columns: readonly string[]): AsyncGenerator<string> {
  if (format === "csv") yield `${columns.join(",")}\n`;
  let lines: string[] = [];
  for await (const row of rows) {
    lines.push(format === "csv" ? columns.map((name) => csvCell(row[name] ?? "")).join(",") : JSON.stringify(row));
    if (lines.length < LINES_AT_ONCE) continue;
    yield `${lines.join("\n")}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join("\n")}\n`;
}

const LINES_AT_ONCE = 500;

/** RFC 4180. */
const csvCell = (value: string) => (/[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
