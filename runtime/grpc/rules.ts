import { type DescEnum, type DescMessage, isFieldSet, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import {
  type BytesRules,
  BytesRulesSchema,
  type DoubleRules,
  DoubleRulesSchema,
  type EnumRules,
  EnumRulesSchema,
  type FieldRules,
  FieldRulesSchema,
  type Int32Rules,
  Int32RulesSchema,
  type Int64Rules,
  Int64RulesSchema,
  type StringRules,
  StringRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Violation } from "../call-error.ts";
import { compilePattern, longerThan } from "./pattern.ts";
import { wordsOfPattern } from "./pattern-words.ts";

/** Adds to `found` what is wrong with the value; paths are relative to it. */
export type Check = (value: unknown, found: Violation[]) => void;

/** proto/ uses a rule this validator does not know. A bug of ours: a rule must never be silently ignored. */
export class UnsupportedRuleError extends Error {
  override name = "UnsupportedRuleError";
}

/** Throws if anything but `known` is set. `where` names the rules in the error. */
export function only<Desc extends DescMessage>(schema: Desc, rules: MessageShape<Desc>, known: readonly string[], where: string): void {
  const unknown = schema.fields.filter((f) => isFieldSet(rules, f) && !known.includes(f.name)).map((f) => f.name);
  for (const extension of rules.$unknown ?? []) unknown.push(`number ${extension.no}`);
  if (unknown.length > 0) throw new UnsupportedRuleError(`${where}: ${unknown.join(", ")} is not supported by runtime/grpc/rules.ts`);
}

export const all = (checks: readonly (Check | undefined)[]): Check | undefined => {
  const present = checks.filter((c) => c !== undefined);
  if (present.length < 2) return present[0];
  return (value, found) => {
    for (const check of present) check(value, found);
  };
};

/** A check that adds one violation, without a path, if `holds` returns false. */
const rule = (id: string, message: string, holds: (value: never) => boolean): Check => {
  const test = holds as (value: unknown) => boolean;
  return (value, found) => {
    if (!test(value)) found.push({ field: "", rule: id, message });
  };
};

/** The rules of one scalar or enum value, in a field, a list or a map's keys. */
export function compileValue(type: ScalarType | DescEnum, rules: FieldRules | undefined, where: string): Check | undefined {
  const given = rules?.type;
  if (!rules || !given?.case) return undefined;
  if (typeof type === "object" && given.case === "enum") return compileEnum(type, given.value, where);
  if (type === ScalarType.STRING && given.case === "string") return compileString(given.value, where);
  if (type === ScalarType.BYTES && given.case === "bytes") return compileBytes(given.value, where);
  if (type === ScalarType.INT32 && given.case === "int32") return compileRange("int32", Int32RulesSchema, given.value, where);
  if (type === ScalarType.INT64 && given.case === "int64") return compileRange("int64", Int64RulesSchema, given.value, where);
  if (type === ScalarType.DOUBLE && given.case === "double") return compileRange("double", DoubleRulesSchema, given.value, where);
  throw new UnsupportedRuleError(`${where}: ${given.case} rules are not supported here`);
}

function compileString(rules: StringRules, where: string): Check | undefined {
  only(StringRulesSchema, rules, ["min_len", "max_len", "max_bytes", "pattern"], where);
  const has = (name: keyof typeof StringRulesSchema.field) => isFieldSet(rules, StringRulesSchema.field[name]);
  const [min, max] = [Number(rules.minLen), Number(rules.maxLen)];
  const shape = all([
    has("minLen")
      ? rule("string.min_len", `must be at least ${characters(min)}`, (s: string) => min === 0 || longerThan(s, min - 1))
      : undefined,
    has("maxBytes")
      ? rule("string.max_bytes", `must be at most ${rules.maxBytes} bytes`, (s: string) => Buffer.byteLength(s) <= Number(rules.maxBytes))
      : undefined,
    has("pattern") ? rule("string.pattern", wordsOf(rules.pattern, where), compilePattern(rules.pattern)) : undefined,
  ]);
  if (!has("maxLen")) return shape;
  return (value, found) => {
    // A value that is too long is not checked further, so that the limit bounds the work.
    if (longerThan(value as string, max)) found.push({ field: "", rule: "string.max_len", message: `must be at most ${characters(max)}` });
    else shape?.(value, found);
  };
}

function wordsOf(pattern: string, where: string): string {
  const words = wordsOfPattern(pattern);
  if (words === undefined) throw new UnsupportedRuleError(`${where}: say in runtime/grpc/pattern-words.ts what ${pattern} asks for`);
  return words;
}

function compileBytes(rules: BytesRules, where: string): Check | undefined {
  only(BytesRulesSchema, rules, ["len"], where);
  if (!isFieldSet(rules, BytesRulesSchema.field.len)) return undefined;
  const length = Number(rules.len);
  return rule("bytes.len", `must be ${length} bytes`, (b: Uint8Array) => b.length === length);
}

/** From a least number on, or from it to a greatest one, both included. NaN is in no range. */
function compileRange(
  kind: "int32" | "int64" | "double",
  schema: typeof Int32RulesSchema | typeof Int64RulesSchema | typeof DoubleRulesSchema,
  rules: Int32Rules | Int64Rules | DoubleRules,
  where: string,
): Check | undefined {
  only(schema, rules, ["gte", "lte"], where);
  const { greaterThan, lessThan } = rules;
  if (greaterThan.case !== "gte") throw new UnsupportedRuleError(`${where}: a range without gte`);
  const min = Number(greaterThan.value);
  if (lessThan.case !== "lte") return rule(`${kind}.gte`, `must be at least ${min}`, (n: number) => n >= min);
  const max = Number(lessThan.value);
  return rule(`${kind}.gte_lte`, `must be from ${min} to ${max}`, (n: number) => n >= min && n <= max);
}

function compileEnum(type: DescEnum, rules: EnumRules, where: string): Check | undefined {
  only(EnumRulesSchema, rules, ["defined_only", "not_in"], where);
  const defined = new Set(type.values.map((v) => v.number));
  const rejected = new Set(rules.notIn);
  const names = type.values.filter((v) => !rejected.has(v.number)).map((v) => v.name);
  return all([
    rules.definedOnly ? rule("enum.defined_only", `must be one of ${names.join(", ")}`, (n: number) => defined.has(n)) : undefined,
    rejected.size > 0 ? rule("enum.not_in", `must be one of ${names.join(", ")}`, (n: number) => !rejected.has(n)) : undefined,
  ]);
}

/** Of a field: the one kind of rules that fits it, besides `required`. */
export function onlyKind(rules: FieldRules | undefined, kind: string | undefined, where: string): void {
  if (rules) only(FieldRulesSchema, rules, kind ? [kind] : [], where);
}

const characters = (n: number) => (n === 1 ? "1 character" : `${n} characters`);
