import type { Channel } from "../delivery/channel.ts";
import { canonicalJson } from "./json.ts";

/** A rule that a content breaks. */
export interface ContentFault {
  /** From the notification on, for example content.push.data. */
  field: string;
  rule: string;
  message: string;
}

/** A field's path and its value, for hashing. A map is one value: JSON of its entries, sorted by key. */
export type NamedValue = readonly [name: string, value: string];

/**
 * All that Carillon needs to know of one kind of content. `Wire` states the fields this codec reads of the protobuf message: core declares
 * that shape itself and imports nothing generated. The generated messages match it, and tsc reports a field that toProto() leaves out.
 */
export interface ContentCodec<Kind, Wire> {
  /** Copies the fields it knows, so that nothing else of a message gets into a record. */
  fromProto(wire: Wire): Kind;
  toProto(content: Kind): Wire;
  /** Every field; canonicalForm() leaves out what is empty. Names are permanent: stored hashes depend on them. */
  namedValues(content: Kind): NamedValue[];
  /** What the .proto rules cannot express. @param channels those the notification is for */
  faults(content: Kind, channels: readonly Channel[]): ContentFault[];
}

/**
 * The same text for the same values in any order. Empty values do not take part, so that a field added later changes nothing for contents
 * that do not use it.
 */
export const canonicalForm = (values: readonly NamedValue[]): string =>
  JSON.stringify(values.filter(([, value]) => value !== "").sort(([a], [b]) => compare(a, b)));

/** False for text of spaces, control and format characters alone, and of the two letters that are drawn as spaces. */
export const showsSomething = (text: string) => /[^\p{White_Space}\p{Cc}\p{Cf}\u2800\u3164]/u.test(text);

/** A map as one value; "" where it has no entries. */
export const mapValue = (map: Readonly<Record<string, string>>): string => {
  const entries = Object.entries(map);
  return entries.length === 0 ? "" : JSON.stringify(entries.sort(([a], [b]) => compare(a, b)));
};

/** By UTF-16 code units, whatever the locale. */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The fields without those that are empty: undefined, "", false, lists and maps without entries. 0 is not empty. */
export function withoutEmpty<T extends object>(fields: T): Partial<T> {
  const held: Partial<T> = {};
  for (const name in fields) if (!isEmpty(fields[name])) held[name] = fields[name];
  return held;
}

const isEmpty = (value: unknown) =>
  value === undefined || value === "" || value === false || (typeof value === "object" && value !== null && hasNoEntries(value));

function hasNoEntries(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

/** The values of the fields that are not empty, each under its name, for hashing. Most of a push's 23 fields are empty and cost nothing here. */
export const fieldValues = <T extends object>(part: string, content: T, names: readonly (keyof T & string)[]): NamedValue[] =>
  names.flatMap((name) => {
    const value = content[name];
    return isEmpty(value) ? [] : [[`${part}.${name}`, typeof value === "string" ? value : canonicalJson(value)] as const];
  });
