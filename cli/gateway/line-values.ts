import { parseStrictJson } from "../../runtime/strict-json.ts";

// What a line's values must be. An error names the field and the rule, never the value.

/** A line cannot be sent: names the field and the rule. */
export class LineError extends Error {
  override name = "LineError";
}

export type Json = Record<string, unknown>;

/** Objects and lists within one another, as the gateway takes them over HTTP. */
const DEPTH_MAX = 32;

/**
 * Reads JSON as strictly as the gateway does: a key that is given twice is an error. Throws a LineError.
 * @param what the name of the text in an error
 */
export function readJson(text: string, what = "the line"): unknown {
  const read = parseStrictJson(Buffer.from(text), DEPTH_MAX);
  switch (read.kind) {
    case "too-deep":
      throw new LineError(`${what}: has more than ${DEPTH_MAX} objects and lists within one another`);
    case "not-json":
      throw new LineError(`${what}: is not JSON`);
    case "twice":
      throw new LineError(`${read.path}: is given twice`);
    case "value":
      return read.value;
  }
}

export function object(value: unknown, field: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new LineError(`${field}: must be an object`);
  return value as Json;
}

export function string(value: unknown, field: string): string {
  if (typeof value !== "string") throw new LineError(`${field}: must be a string`);
  // UTF-8 has no half of a surrogate pair: it would be sent as U+FFFD.
  if (!value.isWellFormed()) throw new LineError(`${field}: has half of a surrogate pair (\\ud800 to \\udfff)`);
  return value;
}

export function array(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw new LineError(`${field}: must be an array`);
  return value;
}

export function oneOf<T extends string>(choices: readonly T[], value: unknown, field: string): T {
  const found = choices.find((c) => c === value);
  if (found === undefined) throw new LineError(`${field}: must be one of ${choices.join(", ")}`);
  return found;
}
