/** A value of JSON (RFC 8259). google.protobuf.Struct holds such an object; null is a value and is kept. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A copy that shares nothing with the value. */
export function copyJson(value: JsonObject): JsonObject {
  // fromEntries() also takes the key __proto__ as a key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyValue(item)]));
}

function copyValue(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(copyValue);
  if (typeof value === "object" && value !== null) return copyJson(value);
  return value;
}

/** JSON with the keys of every object sorted: the same text for equal values. Fields that are undefined are left out. */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, sortedKeys);

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** Parses a JSON list of exactly `length` values. Undefined: the text is no such list. */
export function listOf(text: string, length: number): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.length === length ? value : undefined;
  } catch {
    return undefined;
  }
}

/** False where a number is NaN or infinite, which JSON cannot express: it would be sent as null. */
export function isJson(value: JsonValue): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isJson);
}

/** False where a number is so large that it need not be the one that was given: integers above 2^53 - 1 are rounded to a double. */
export function isExact(value: JsonValue): boolean {
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return typeof value !== "object" || value === null || Object.values(value).every(isExact);
}

export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
