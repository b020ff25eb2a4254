import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { Violation } from "../call-error.ts";
import { parseIsoTime } from "../moment.ts";

/** What checkJson() found in a JSON value. */
export interface CheckedJson {
  /** Why it is no such message; empty: it is one. */
  violations: readonly Violation[];
  /** Keys with a value, at all levels; complete where nothing is violated. Where a key occurs twice, the text has more. */
  pairs: number;
  /** Some field is spelled as in proto/, user_id and not userId. */
  isProtoSpelling: boolean;
}

/** More than a person corrects at once. */
const VIOLATIONS_MAX = 25;
/** The range of each type of integer. */
const INTEGERS: Readonly<Partial<Record<ScalarType, readonly [min: bigint, max: bigint, name: string]>>> = {
  [ScalarType.INT32]: [-(2n ** 31n), 2n ** 31n - 1n, "int32"],
  [ScalarType.INT64]: [-(2n ** 63n), 2n ** 63n - 1n, "int64"],
  [ScalarType.UINT32]: [0n, 2n ** 32n - 1n, "uint32"],
  [ScalarType.UINT64]: [0n, 2n ** 64n - 1n, "uint64"],
};
const INTEGER = /^-?(0|[1-9]\d{0,19})$/;
const DECIMAL = /^(-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?|NaN|-?Infinity)$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const DURATION = /^-?\d{1,12}(\.\d{1,9})?s$/;

/**
 * Strict ProtoJSON: a field that the message does not have, or a value of another type than its field's, is a violation that names the field. Names
 * in either spelling; null stands for a field that is not there. Violations never hold a value.
 */
export function checkJson(desc: DescMessage, json: unknown): CheckedJson {
  const violations: Violation[] = [];
  let pairs = 0;
  let isProtoSpelling = false;

  const fault = (field: string, rule: string, message: string) => {
    if (violations.length < VIOLATIONS_MAX) violations.push({ field: field || "request", rule, message });
  };
  const wrongType = (field: string, wanted: string, value: unknown) =>
    fault(field, "json.type", `must be ${wanted}, and is ${shapeOf(value)}`);
  const isObject = (value: unknown, path: string): value is object => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return true;
    wrongType(path, "an object", value);
    return false;
  };
  const isText = (value: unknown, path: string, wanted = "a string"): value is string => {
    if (typeof value !== "string") {
      wrongType(path, wanted, value);
      return false;
    }
    if (value.isWellFormed()) return true;
    fault(path, "string.utf8", "has half of a surrogate pair (\\ud800 to \\udfff), which UTF-8 cannot hold");
    return false;
  };

  function message(type: DescMessage, value: unknown, path: string): void {
    if (!isObject(value, path)) return;
    const seen = new Set<DescField>();
    const chosen = new Map<string, string>();
    for (const key of Object.keys(value)) {
      if (violations.length === VIOLATIONS_MAX) return;
      const item: unknown = (value as Readonly<Record<string, unknown>>)[key];
      pairs++;
      const at = path === "" ? key : `${path}.${key}`;
      const field = fieldsOf(type).get(key);
      if (field === undefined) {
        fault(at, "json.unknown_field", `is not a field; the fields are ${type.fields.map((f) => f.jsonName).join(", ") || "none"}`);
        continue;
      }
      if (key !== field.jsonName) isProtoSpelling = true;
      if (seen.has(field)) fault(at, "json.duplicate_key", `is given twice, as ${field.name} and as ${field.jsonName}`);
      seen.add(field);
      if (item === null) continue;
      if (field.oneof) {
        const other = chosen.get(field.oneof.name);
        if (other !== undefined) fault(at, "json.oneof", `must be left out, because ${other} is given`);
        chosen.set(field.oneof.name, key);
      }
      fieldValue(field, item, at);
    }
  }

  function fieldValue(field: DescField, value: unknown, path: string): void {
    if (field.fieldKind === "list") {
      if (!Array.isArray(value)) wrongType(path, "a list", value);
      else for (let i = 0; i < value.length; i++) singular(field, value[i], `${path}[${i}]`);
    } else if (field.fieldKind === "map") {
      if (!isObject(value, path)) return;
      for (const [key, item] of Object.entries(value)) {
        pairs++;
        const at = `${path}[${JSON.stringify(key)}]`;
        if (isText(key, at)) singular(field, item, at);
      }
    } else singular(field, value, path);
  }

  /** @param field of which `value` is the value, or one of them */
  function singular(field: DescField, value: unknown, path: string): void {
    if (field.message) messageValue(field.message, value, path);
    else if (field.enum) enumValue(field.enum, value, path);
    else if (field.scalar !== undefined) scalar(field.scalar, value, path);
  }

  function messageValue(type: DescMessage, value: unknown, path: string): void {
    switch (type.typeName) {
      case "google.protobuf.Struct":
        if (isObject(value, path)) anyJson(value, path);
        return;
      case "google.protobuf.Timestamp": {
        const wanted = "a time that exists, with seconds and zone, such as 2027-01-31T09:30:00Z or 2027-01-31T18:30:00+09:00";
        if (isText(value, path, wanted) && !(TIME.test(value) && parseIsoTime(value) !== undefined))
          fault(path, "json.time", `must be ${wanted}`);
        return;
      }
      case "google.protobuf.Duration": {
        const wanted = "seconds such as 1.5s";
        if (isText(value, path, wanted) && !DURATION.test(value)) fault(path, "json.duration", `must be ${wanted}`);
        return;
      }
      default:
        if (type.typeName.startsWith("google.protobuf.")) throw new Error(`${type.typeName} has a JSON form that is not known here`);
        message(type, value, path);
    }
  }

  /** JSON of any shape: its keys and texts must be valid Unicode, and its numbers finite. */
  function anyJson(value: unknown, path: string): void {
    if (typeof value === "string") isText(value, path);
    if (typeof value === "number" && !Number.isFinite(value)) fault(path, "json.number", "must be a number that a double can hold");
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) anyJson(item, `${path}[${i}]`);
      return;
    }
    for (const [key, item] of Object.entries(value)) {
      pairs++;
      const at = `${path}[${JSON.stringify(key)}]`;
      if (isText(key, at)) anyJson(item, at);
    }
  }

  function enumValue(type: DescEnum, value: unknown, path: string): void {
    // Unspecified is what a field is that is left out: nobody has to be told to write it.
    const wanted = `one of ${type.values.flatMap(({ name, number }) => (number === 0 ? [] : [name])).join(", ")}`;
    if (typeof value === "number") {
      if (!isInteger(ScalarType.INT32, value)) fault(path, "json.enum", `must be ${wanted}`);
    } else if (typeof value !== "string") wrongType(path, wanted, value);
    else if (!type.values.some(({ name }) => name === value)) fault(path, "json.enum", `must be ${wanted}`);
  }

  function scalar(type: ScalarType, value: unknown, path: string): void {
    const range = INTEGERS[type];
    if (type === ScalarType.STRING) isText(value, path);
    else if (type === ScalarType.BOOL) {
      if (typeof value !== "boolean") wrongType(path, "true or false", value);
    } else if (type === ScalarType.BYTES) {
      if (isText(value, path, "base64") && !(BASE64.test(value) && value.replace(/=+$/, "").length % 4 !== 1))
        fault(path, "json.base64", "must be base64");
    } else if (typeof value !== "number" && typeof value !== "string") wrongType(path, "a number", value);
    else if (range) {
      const [min, max, name] = range;
      if (!isInteger(type, value)) fault(path, "json.number", `must be a whole number from ${min} to ${max} (${name})`);
    } else if (typeof value === "number" ? !Number.isFinite(value) : !DECIMAL.test(value)) fault(path, "json.number", "must be a number");
  }

  message(desc, json, "");
  return { violations, pairs, isProtoSpelling };
}

/** A number of JSON, or its text. Above 2^53 only a text is exact. */
function isInteger(type: ScalarType, value: number | string): boolean {
  const range = INTEGERS[type];
  if (!range || (typeof value === "number" ? !Number.isSafeInteger(value) : !INTEGER.test(value))) return false;
  const exact = BigInt(value);
  return exact >= range[0] && exact <= range[1];
}

function shapeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "boolean" ? "true or false" : `a ${typeof value}`;
}

const byName = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();
/** By both spellings. */
function fieldsOf(type: DescMessage): ReadonlyMap<string, DescField> {
  const known = byName.get(type);
  if (known) return known;
  const fields = new Map(type.fields.flatMap((field) => [[field.name, field] as const, [field.jsonName, field] as const]));
  byName.set(type, fields);
  return fields;
}
