import { type Fields, isFields } from "./read.ts";

/** Names and indexes, from the root of what is checked. */
export type Path = readonly (string | number)[];

/** One thing that is wrong with a payload. */
export interface Mistake {
  path: Path;
  /** The value has another JSON type, breaks a rule, is required and absent, or has a name that the table lacks. */
  problem: "type" | "rule" | "missing" | "unknown";
  /** For "type" the JSON type that is wanted, for "rule" the rule in the table's words, else "". */
  says: string;
  value: unknown;
}

/** Reports what is wrong with a value. Providers build tables of these: one check for each documented field. */
export type Check = (value: unknown, path: Path, report: (mistake: Mistake) => void) => void;

export interface Rule<T> {
  says: string;
  holds(value: T): boolean;
}

export const rule = <T>(says: string, holds: (value: T) => boolean): Rule<T> => ({ says, holds });
export const matches = (pattern: RegExp, says: string): Rule<string> => rule(says, (value) => pattern.test(value));
export const longest = (characters: number, says = `at most ${characters} characters`): Rule<string> =>
  // A string has at most as many code points as code units.
  rule(says, (value) => value.length <= characters || [...value].length <= characters);
export const oneOf = <T extends string | number>(...values: T[]): Rule<T> =>
  rule(`one of ${values.join(", ")}`, (value) => values.includes(value));
export const between = (low: number, high: number): Rule<number> =>
  rule(Number.isFinite(high) ? `from ${low} to ${high}` : `from ${low}`, (value) => value >= low && value <= high);

export function mistakesIn(check: Check, value: unknown, path: Path = []): Mistake[] {
  const mistakes: Mistake[] = [];
  check(value, path, (mistake) => mistakes.push(mistake));
  return mistakes;
}

function typed<T>(
  type: string,
  is: (value: unknown) => value is T,
  rules: readonly Rule<T>[],
  inside?: (value: T) => Iterable<Part>,
): Check {
  return (value, path, report) => {
    if (!is(value)) return report({ path, problem: "type", says: type, value });
    for (const { says, holds } of rules) if (!holds(value)) return report({ path, problem: "rule", says, value });
    for (const [key, part, check] of inside?.(value) ?? []) check(part, [...path, key], report);
  };
}
type Part = readonly [key: string | number, value: unknown, check: Check];

export const text = (...rules: Rule<string>[]): Check => typed("string", (value) => typeof value === "string", rules);
export const number = (...rules: Rule<number>[]): Check => typed("number", (value) => typeof value === "number", rules);
export const whole = (...rules: Rule<number>[]): Check => typed("integer", (value): value is number => Number.isSafeInteger(value), rules);
export const flag: Check = typed("boolean", (value) => typeof value === "boolean", []);
export const anything: Check = () => undefined;
export const list = (item: Check, ...rules: Rule<unknown[]>[]): Check =>
  typed<unknown[]>("array", Array.isArray, rules, (values) => values.map((value, index): Part => [index, value, item]));
/** An object whose names are free. */
export const map = (item: Check, ...rules: Rule<Fields>[]): Check =>
  typed("object", isFields, rules, (fields) => Object.entries(fields).map(([name, value]): Part => [name, value, item]));

export interface ObjectOptions {
  required?: readonly string[];
  /** Default: other names than the table's are ignored, as most providers do. */
  reportUnknown?: boolean;
  /** Default: null is a value of the wrong type. */
  nullIsAbsent?: boolean;
  /** The table's name for a name as sent; default: the same. */
  nameOf?(sent: string): string;
}

export function object(table: Readonly<Record<string, Check>>, options: ObjectOptions = {}, ...rules: Rule<Fields>[]): Check {
  const { required = [], reportUnknown = false, nullIsAbsent = false, nameOf = (sent) => sent } = options;
  const isAbsent = (value: unknown) => value === undefined || (nullIsAbsent && value === null);
  return (value, path, report) => {
    if (!isFields(value)) return report({ path, problem: "type", says: "object", value });
    const seen = new Set<string>();
    for (const [sent, part] of Object.entries(value)) {
      if (isAbsent(part)) continue;
      const name = nameOf(sent);
      const check = Object.hasOwn(table, name) ? table[name] : undefined;
      seen.add(name);
      if (check !== undefined) check(part, [...path, name], report);
      else if (reportUnknown) report({ path: [...path, sent], problem: "unknown", says: "", value: part });
    }
    for (const name of required) if (!seen.has(name)) report({ path: [...path, name], problem: "missing", says: "", value: undefined });
    for (const { says, holds } of rules) if (!holds(value)) report({ path, problem: "rule", says, value });
  };
}

/** Where a field takes a string or something else. */
export const textOr =
  (other: Check, ...rules: Rule<string>[]): Check =>
  (value, path, report) =>
    (typeof value === "string" ? text(...rules) : other)(value, path, report);

/** A mistake in words, for providers whose errors name no field. */
export function inWords({ path, problem, says, value }: Mistake): string {
  const field = path.join(".");
  switch (problem) {
    case "type":
      return `${field} takes ${says}, not ${typeOf(value)}`;
    case "rule":
      return `${field}: ${says}`;
    case "missing":
      return `${field} is missing`;
    case "unknown":
      return `${field} is unknown`;
  }
}

/** The JSON type of a value. */
export function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

export const isBase64 = rule<string>("base64", (value) => value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value));
export const isUrl = rule<string>("an http or https URL", (value) => /^https?:\/\/[^/\s]/.test(value) && URL.canParse(value));
