/**
 * A deep copy that cannot be changed, without the fields that are undefined, as a database keeps them: whoever changes what he read, or what he
 * has handed over, meets a TypeError instead of changing the stored.
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
