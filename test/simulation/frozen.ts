/**
 * A frozen deep copy without undefined fields, as a database would return it. Code that mutates what it read or what it passed in gets a
 * TypeError instead of changing the stored state.
 */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozen)) as T;
  if (value instanceof Uint8Array) return new Uint8Array(value) as T;
  const copy: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue;
    if (key === "__proto__") Object.defineProperty(copy, key, { value: field, enumerable: true });
    else copy[key] = frozen(field);
  }
  return Object.freeze(copy) as T;
}
