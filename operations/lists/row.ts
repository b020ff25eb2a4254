import { parseIsoTime } from "../../runtime/moment.ts";

/** One record of a list, by column: of a CSV file, or a JSON object of texts. What is empty is not there. */
export type Row = Readonly<Record<string, string>>;

/** A rule that a record breaks. Never contains the value. */
export interface RowFault {
  /** The column; "" for the record as a whole. */
  field: string;
  rule: string;
  message: string;
}

export type Parsed<T> = { kind: "item"; item: T } | { kind: "faults"; faults: readonly RowFault[] };

export const faulty = (field: string, rule: string, message: string) => ({ kind: "faults", faults: [{ field, rule, message }] }) as const;

/** What a value looks like, for a report that must not contain it: its length, and which kinds of characters. */
export function shapeOf(value: string | undefined): string {
  if (value === undefined || value === "") return "empty";
  const kinds = KINDS.filter(([, kind]) => kind.test(value)).map(([name]) => name);
  return `${value.length} ${value.length === 1 ? "character" : "characters"}: ${kinds.join(", ")}`;
}

const KINDS: readonly [name: string, kind: RegExp][] = [
  ["digits", /\d/],
  ["letters", /[A-Za-z]/],
  ["letters beyond ASCII", /[^\P{L}A-Za-z]/u],
  ["spaces", /\s/],
  ["@", /@/],
  ["punctuation", /[!-/:-?[-`{-~]/],
  ["control characters", /[^\P{Cc}\s]/u],
  ["other characters", /[^\p{L}\p{Cc}\s!-~]/u],
];

const ISO_8601 = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:?\d{2}))?$/;
export const TIME_RULE = "must be an ISO 8601 time of a date that exists, such as 2026-12-01T09:30:00Z";

/** ms since the epoch; undefined: it is no ISO 8601 time. A date alone begins at midnight in UTC. */
export const timeOf = (text: string): number | undefined => (ISO_8601.test(text) ? parseIsoTime(text) : undefined);
