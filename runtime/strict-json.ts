import { findDuplicateKey } from "./connect/duplicate-key.ts";
import { measureJson } from "./http/bounded-json.ts";

/** A JSON value, or why a text is refused. `path`: of the key that is given twice, such as content.sms. */
export type StrictJson = { kind: "value"; value: unknown } | { kind: "too-deep" } | { kind: "not-json" } | { kind: "twice"; path: string };

/**
 * Reads JSON that a person or a page wrote, where JSON.parse would take the last of two equal keys and recurse without a bound.
 * @param json in UTF-8
 * @param depthMax objects and lists within one another
 */
export function parseStrictJson(json: Buffer, depthMax: number): StrictJson {
  if (measureJson(json, { itemsMax: Number.POSITIVE_INFINITY, depthMax }) === "too-deep") return { kind: "too-deep" };
  const text = json.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "not-json" };
  }
  const path = findDuplicateKey(text);
  return path === undefined ? { kind: "value", value } : { kind: "twice", path };
}
