import type { ParseArgsOptionsConfig } from "node:util";
import type { Environment } from "../runtime/config.ts";
import { isMoment, parseMoment, RFC_3339_RULE } from "../runtime/moment.ts";
import { durationText, parseDuration } from "./duration.ts";

/** The command line is invalid; exit status 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

export interface Invocation {
  values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  positionals: readonly string[];
  env: Environment;
}

export interface Command {
  about: string;
  /** Begins with the arguments, then the options: "ID KEY_ID... [--json]". No more arguments are taken than it names. */
  usage: string;
  /** For `carillon help COMMAND`, below `about`: examples, what options take. */
  details?: string;
  options: ParseArgsOptionsConfig;
  /** Resolves to the exit status. */
  run(invocation: Invocation): Promise<number>;
}

/** A command's place in the list (commands.ts). */
export interface ListedCommand {
  /** For `carillon help`. */
  summary: string;
  /** Loads its module, and resolves to the commands of that by name. */
  load(): Promise<Readonly<Record<string, Command>>>;
}

export function fail(message: string): never {
  throw new UsageError(message);
}

/** An option's text; undefined if it was not given. */
export const text = (value: unknown) => (typeof value === "string" ? value : undefined);

/** An option with one of these values; undefined if it was not given. */
export function oneOf<T extends string>(value: unknown, name: string, all: readonly T[]): T | undefined {
  const given = text(value);
  return given === undefined ? undefined : (all.find((one) => one === given) ?? fail(`${name} must be one of ${all.join(", ")}`));
}

/** Whether an option that must be a URL is one. */
export const isHttpUrl = (given: string): boolean => /^https?:$/.test(URL.parse(given)?.protocol ?? "");

/** More digits than any bound here has. Number() would also read "", " 5 ", "1e3" and "0x10". */
const DECIMAL = /^\d{1,12}(\.\d{1,6})?$/;
const decimal = (value: unknown) => (DECIMAL.test(String(value)) ? Number(value) : Number.NaN);

export function positive(value: unknown, name: string, max: number): number {
  const n = decimal(value);
  return n > 0 && n <= max ? n : fail(`${name} must be a number above 0 and at most ${max}`);
}

export function count(value: unknown, name: string, max: number): number {
  const n = decimal(value);
  return Number.isSafeInteger(n) && n >= 1 && n <= max ? n : fail(`${name} must be an integer from 1 to ${max}`);
}

/** What a duration may be, in ms. */
export interface DurationBounds {
  /** Absent: 1, above 0. */
  min?: number;
  max: number;
  /** Why it may not be longer, for the person who wanted it. */
  because: string;
}

/** An option's duration, in ms. @param value as the command line has it; absent options have a default, or are left out before */
export function duration(value: unknown, name: string, { min = 1, max, because }: DurationBounds): number {
  const ms = parseDuration(text(value) ?? "");
  if (ms === undefined) return fail(`${name} must be like 90s, 5m, 2h or 7d: a whole number of up to nine digits, and a unit`);
  if (ms > max) return fail(`${name} must be at most ${durationText(max)}: ${because}`);
  return ms >= min ? ms : fail(`${name} must be ${min === 1 ? "above 0" : `at least ${durationText(min)}`}`);
}

/** An option that is given without a value, as by an unset variable of a script, must not count as one that is absent. */
export function refuseEmpty(values: Invocation["values"]): void {
  const empty = Object.keys(values).find((name) => values[name] === "");
  if (empty !== undefined) fail(`--${empty} is empty: leave it out, or give it a value`);
}

/** --since and --until, in ms since the epoch; undefined where one is not given. */
export function momentRange(
  { since: from, until: to }: Invocation["values"],
  now: number,
): { since: number | undefined; until: number | undefined } {
  const since = typeof from === "string" ? moment(from, "--since", now) : undefined;
  const until = typeof to === "string" ? moment(to, "--until", now) : undefined;
  if (since !== undefined && until !== undefined && since >= until) fail("--since must be before --until: there is nothing between them");
  return { since, until };
}

/** A moment in ms since the epoch, given in RFC 3339 or as a duration before `now`. */
export function moment(value: string, name: string, now: number): number {
  const ago = parseDuration(value);
  const at = ago === undefined ? parseMoment(value) : now - ago;
  return at !== undefined && isMoment(at) ? at : fail(`${name} must be ${RFC_3339_RULE}, or a duration ago such as 90s, 5m, 2h or 7d`);
}
