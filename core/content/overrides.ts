import type { ContentFault } from "./codec.ts";
import { isObject, type JsonObject, type JsonValue } from "./json.ts";

/**
 * A place in a payload that no override may reach: its keys from the outermost on, compared without case. A key that ends in "*" stands for all that
 * begin so, "*" alone for every key; one at the end that ends in "?" means nothing without what it is in, which null may remove. Whatever lies below
 * the place is protected too.
 */
export type ProtectedPath = readonly string[];

/** Why no override reaches a path, or what to use instead; by path, as dotted text. */
export type RefusalReasons = Readonly<Record<string, string>>;
export const pathsOf = (reasons: RefusalReasons): ProtectedPath[] => protectedPaths(...Object.keys(reasons));
/** Says why each path is protected, for protectedFaults(). */
export const reasonsIn =
  (reasons: RefusalReasons) =>
  (_named: string, path: string): string =>
    reasons[path] ?? OURS;
/** Carillon writes what stands there. */
export const OURS = "Carillon sets it";

/** "message.to" as a path. */
export const protectedPaths = (...paths: readonly string[]): ProtectedPath[] => paths.map((path) => path.split("."));

/**
 * A payload with an override merged into it (RFC 7396): objects are merged, null removes, anything else replaces, lists as a whole. What is
 * protected is as it was before, so that no override reaches it even where nobody checked.
 * @param payload JSON of an object, or the fields of a form; it is not changed
 */
export function withOverride(payload: object, override: JsonObject | undefined, paths: readonly ProtectedPath[]): JsonObject {
  const original = payload as JsonObject;
  if (override === undefined) return original;
  // The merge changes nothing that the override does not name.
  const reached = paths.filter((path) => namedBelow(override, path).length > 0);
  return reached.reduce((merged, path) => restored(merged, original, path), mergedObject(original, override));
}

/**
 * The protected paths that an override names, also by replacing or removing what they are in.
 * @param field where the override is, for example content.push.overrides.fcm
 * @param reasonFor why `named` is refused: the path as the override spells it, or the beginning of it where it is replaced as a whole
 */
export function protectedFaults(
  field: string,
  override: JsonObject | undefined,
  paths: readonly ProtectedPath[],
  reasonFor: (named: string, path: string) => string = () => OURS,
): ContentFault[] {
  if (override === undefined) return [];
  const reasons = new Map<string, string>();
  for (const path of paths)
    for (const named of namedBelow(override, path)) if (!reasons.has(named)) reasons.set(named, reasonFor(named, path.join(".")));
  return [...reasons].map(([named, why]) => ({ field: `${field}.${named}`, rule: "override.protected", message: `is refused: ${why}` }));
}

function merged(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  return isObject(patch) ? mergedObject(isObject(target) ? target : {}, patch) : patch;
}

function mergedObject(target: JsonObject, patch: JsonObject): JsonObject {
  const entries = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) entries.delete(key);
    else entries.set(key, merged(entries.get(key), value));
  }
  // fromEntries() also takes the key __proto__ as a key.
  return Object.fromEntries(entries);
}

/** `changed` with what `original` has at the path, or has not. */
function restored(changed: JsonObject, original: JsonObject, path: ProtectedPath): JsonObject {
  const [head = "", ...below] = path;
  const isNamed = namedBy(head);
  if (below.length === 0) {
    const kept = Object.entries(changed).filter(([key]) => !isNamed(key));
    return Object.fromEntries([...kept, ...Object.entries(original).filter(([key]) => isNamed(key))]);
  }
  const entries = new Map(Object.entries(changed));
  for (const key of new Set([...entries.keys(), ...Object.keys(original)])) {
    if (!isNamed(key)) continue;
    const [now, before] = [entries.get(key), Object.hasOwn(original, key) ? original[key] : undefined];
    // What replaced an object that holds something protected is put back as a whole.
    if (isObject(now)) entries.set(key, restored(now, isObject(before) ? before : {}, below));
    else if (isObject(before)) entries.set(key, before);
  }
  return Object.fromEntries(entries);
}

/** Where in an override a protected path is named, as dotted text. */
function namedBelow(override: JsonObject, [head = "", ...below]: ProtectedPath): string[] {
  const isNamed = namedBy(head);
  return Object.entries(override).flatMap(([key, value]) => {
    if (!isNamed(key)) return [];
    if (value === null && below.at(-1)?.endsWith("?")) return [];
    if (below.length === 0 || !isObject(value)) return [key];
    return namedBelow(value, below).map((rest) => `${key}.${rest}`);
  });
}

function namedBy(head: string): (key: string) => boolean {
  const name = head.toLowerCase().replace(/\?$/, "");
  if (!name.endsWith("*")) return (key) => key.toLowerCase() === name;
  return (key) => key.toLowerCase().startsWith(name.slice(0, -1));
}
