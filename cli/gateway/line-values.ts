import { findDuplicateKey } from "../../runtime/connect/duplicate-key.ts";
import { measureJson } from "../../runtime/http/bounded-json.ts";

// What a line's values must be. An error names the field and the rule, never the value.

/** A line cannot be sent: names the field and the rule. */
export class LineError extends Error {
  override name = "LineError";
}

export type Json = Record<string, unknown>;

/** Objects and lists within one another, as the gateway takes them over HTTP. */
const DEPTH_MAX = 32;

/**
 * As the gateway reads JSON: a key that is given twice is an error, and neither of its values is taken.
 * @param what it is called in an error
 */
export function parseJson(text: string, what = "the line"): unknown {
  if (measureJson(Buffer.from(text), { itemsMax: Number.POSITIVE_INFINITY, depthMax: DEPTH_MAX }) === "too-deep")
    throw new LineError(`${what}: has more than ${DEPTH_MAX} objects and lists within one another`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new LineError(`${what}: is not JSON`);
  }
  const twice = findDuplicateKey(text);
  if (twice !== undefined) throw new LineError(`${twice}: is given twice`);
  return json;
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
