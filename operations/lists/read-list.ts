// Records of a CSV or JSONL file, one after the other, from any record on: whatever the file's size, little of it is in memory.
import { createReadStream } from "node:fs";
import { CsvError, parse } from "csv-parse";
import { findDuplicateKey } from "../../runtime/connect/duplicate-key.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Row, RowFault } from "./row.ts";

export const LIST_FORMATS = ["csv", "jsonl"] as const;
export type ListFormat = (typeof LIST_FORMATS)[number];

/** Where a reading begins: after a record. */
export interface Place {
  /** Bytes of the file before it. */
  offset: number;
  /** Lines of the file before it. */
  line: number;
  /** Of a CSV file, once its header is read. */
  columns?: readonly string[] | undefined;
}

export interface Entry {
  /** Where the record ends. */
  at: Place;
  row: Row | undefined;
  /** Why it is no record. */
  faults: readonly RowFault[];
}

/** A longer line is not a record of ours: a browser's push address has at most 4 KiB. */
const RECORD_BYTES_MAX = 64 * 1_024;

/**
 * Records after a place. Rejects with an OperatorError where the file cannot be read, its header names unknown columns, or its quotes do not match.
 * @param columns that there may be
 */
export const readList = (path: string, format: ListFormat, columns: readonly string[], from: Place): AsyncGenerator<Entry> =>
  readable(path, format === "csv" ? readCsv(path, columns, from) : readJsonl(path, columns, from));

async function* readable(path: string, entries: AsyncGenerator<Entry>): AsyncGenerator<Entry> {
  try {
    yield* entries;
  } catch (error) {
    // Not the parser's own words: they may contain the line.
    if (error instanceof CsvError) throw new OperatorError(`${path}: the CSV is broken after line ${error.lines} (${error.code})`);
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof OperatorError || typeof code !== "string") throw error;
    throw new OperatorError(`${path} cannot be read (${code})`);
  }
}

interface CsvEntry {
  info: { bytes: number; lines: number };
  record: string[];
}

async function* readCsv(path: string, known: readonly string[], from: Place): AsyncGenerator<Entry> {
  const parser = parse({
    info: true,
    bom: from.offset === 0,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
  });
  const input = createReadStream(path, { start: from.offset });
  input.on("error", (error) => parser.destroy(error));
  let { columns } = from;
  try {
    for await (const { info, record } of input.pipe(parser) as AsyncIterable<CsvEntry>) {
      const place = { offset: from.offset + info.bytes, line: from.line + info.lines };
      if (columns === undefined) {
        columns = headerOf(path, record, known);
        continue;
      }
      const names = columns;
      const at = { ...place, columns: names };
      if (record.length === names.length) yield { at, ...rowOf(names.map((name, i) => [name, record[i] ?? ""])) };
      else yield { at, row: undefined, faults: [{ field: "", rule: "record.columns", message: `must have ${names.length} columns` }] };
    }
  } finally {
    input.destroy();
  }
}

function headerOf(path: string, record: readonly string[], known: readonly string[]): string[] {
  const columns = record.map((name) => name.trim());
  const unknown = columns.findIndex((name, i) => !known.includes(name) || columns.indexOf(name) !== i);
  if (unknown < 0) return columns;
  throw new OperatorError(
    `${path}: column ${unknown + 1} of the first line is unknown or named twice; the columns are ${known.join(", ")}`,
  );
}

/** What bytes that are no UTF-8 are read as. An address with it is another one than was meant. */
const REPLACEMENT = "\ufffd";

function rowOf(cells: readonly (readonly [string, string])[]): Pick<Entry, "row" | "faults"> {
  const broken = cells.filter(([, value]) => value.includes(REPLACEMENT));
  if (broken.length > 0)
    return { row: undefined, faults: broken.map(([field]) => ({ field, rule: "record.utf8", message: "must be text in UTF-8" })) };
  return { row: Object.fromEntries(cells.filter(([, value]) => value !== "")), faults: [] };
}

async function* readJsonl(path: string, known: readonly string[], from: Place): AsyncGenerator<Entry> {
  let { offset, line } = from;
  for await (const { bytes, text } of linesOf(path, offset)) {
    offset += bytes;
    line++;
    const at = { offset, line };
    if (text === undefined)
      yield { at, row: undefined, faults: [{ field: "", rule: "record.size", message: `must have at most ${RECORD_BYTES_MAX} bytes` }] };
    else if (text.trim() !== "") yield { at, ...jsonRow(text, known) };
  }
}

function jsonRow(text: string, known: readonly string[]): Pick<Entry, "row" | "faults"> {
  const broken = (message: string, field = "", rule = "record.json") => ({ row: undefined, faults: [{ field, rule, message }] });
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return broken("must be JSON");
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) return broken("must be a JSON object");
  const cells: [string, string][] = [];
  for (const [name, value] of Object.entries(given)) {
    if (!known.includes(name)) return broken(`has an unknown field; the fields are ${known.join(", ")}`, "", "record.field");
    if (value === null) continue;
    if (typeof value !== "string" || !value.isWellFormed()) return broken("must be a text", name, "record.text");
    cells.push([name, value]);
  }
  const twice = findDuplicateKey(text);
  return twice === undefined ? rowOf(cells) : broken("is given twice", twice, "record.twice");
}

/** Lines with their bytes, the end of the line included. @returns no text for one that is too long */
async function* linesOf(path: string, start: number): AsyncGenerator<{ bytes: number; text: string | undefined }> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const take = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= RECORD_BYTES_MAX) parts.push(part);
  };
  const line = () => {
    const made = { bytes, text: bytes <= RECORD_BYTES_MAX ? Buffer.concat(parts).toString("utf8") : undefined };
    [parts, bytes] = [[], 0];
    return made;
  };
  for await (const chunk of createReadStream(path, { start }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      take(chunk.subarray(from, end + 1));
      from = end + 1;
      yield line();
    }
    take(chunk.subarray(from));
  }
  if (bytes > 0) yield line();
}
