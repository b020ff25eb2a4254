// What a line's values must be. An error names the field and the rule, never the value.

/** A line cannot be sent: names the field and the rule. */
export class LineError extends Error {
  override name = "LineError";
}

export type Json = Record<string, unknown>;

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new LineError("the line: is not JSON");
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
