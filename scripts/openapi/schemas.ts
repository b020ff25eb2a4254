import {
  type DescEnum,
  type DescEnumValue,
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  ScalarType,
} from "@bufbuild/protobuf";
import {
  type FieldRules,
  field as fieldRules,
  message as messageRules,
  oneof as oneofRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { renameFields } from "../../runtime/connect/field-names.ts";
import type { Comments } from "./comments.ts";

/** A JSON Schema (2020-12), as OpenAPI 3.1 has it. */
export type Schema = Readonly<Record<string, unknown>>;

/** Of messages with a JSON form of their own. */
const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  "google.protobuf.Timestamp": { type: "string", format: "date-time", examples: ["2027-01-31T09:30:00Z"] },
  "google.protobuf.Duration": { type: "string", pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$", examples: ["1.5s"] },
  "google.protobuf.Struct": { type: "object", additionalProperties: true },
};

/** A header stands for it where it is left out. */
const BY_HEADER = "idempotency_key";

/** "Notification", and "Outer.Inner" of a message within another. */
export const schemaName = ({ typeName }: DescMessage): string => typeName.replace(/^carillon\.v1\./, "");
export const refTo = (message: DescMessage): Schema => ({ $ref: `#/components/schemas/${schemaName(message)}` });

/** The messages and all that they hold, without those with a JSON form of their own. */
export function messagesWithin(messages: readonly DescMessage[]): Set<DescMessage> {
  const found = new Set<DescMessage>();
  const add = (message: DescMessage) => {
    if (message.typeName in WELL_KNOWN || found.has(message)) return;
    if (!message.typeName.startsWith("carillon.")) throw new Error(`${message.typeName}: its JSON form is not known here`);
    found.add(message);
    for (const field of message.fields) if (field.message) add(field.message);
  };
  messages.forEach(add);
  return found;
}

/** @param isStrict nothing but its fields is accepted */
export function messageSchema(message: DescMessage, comments: Comments, isStrict: boolean): Schema {
  const required = message.fields.filter(mustBeGiven).map(({ jsonName }) => jsonName);
  const rules = getOption(message, messageRules).cel;
  const choices = message.oneofs.filter((oneof) => oneof.fields.length > 1).map(choiceOf);
  const names = new Map(message.fields.map(({ name, jsonName }) => [name, jsonName]));
  const description = [
    ...texts(comments.get(message.typeName)),
    ...rules.map(({ id, message: text, expression }) => `Rule ${id}: ${renameFields(text, names)} (CEL: ${expression}).`),
  ].join("\n\n");
  return {
    type: "object",
    ...(description && { description }),
    properties: Object.fromEntries(message.fields.map((field) => [field.jsonName, fieldSchema(field, comments)])),
    ...(required.length > 0 && { required }),
    ...(choices.length === 1 ? choices[0] : choices.length > 1 && { allOf: choices }),
    ...(isStrict && { additionalProperties: false }),
  };
}

/** One of the fields of a oneof; where it is not required, at most one. */
function choiceOf(oneof: DescOneof): Schema {
  const each = oneof.fields.map(({ jsonName }) => ({ required: [jsonName] }));
  return { oneOf: getOption(oneof, oneofRules).required ? each : [...each, { not: { anyOf: each } }] };
}

const texts = (...given: readonly (string | undefined)[]): string[] =>
  given.filter((text) => text !== undefined && text !== "") as string[];

function fieldSchema(field: DescField, comments: Comments): Schema {
  const { schema, notes } = typeOf(field);
  const values = field.enum?.values.flatMap((value) => texts(said(value, comments)));
  const comment = comments.get(`${field.parent.typeName}.${field.name}`);
  const byHeader = field.name === BY_HEADER ? "May be left out of a request with the header Idempotency-Key." : undefined;
  const description = texts(comment, ...notes, byHeader, ...(values ?? [])).join(" ");
  return description ? { ...schema, description } : schema;
}

/** What an enum's value means, as a sentence that begins with it. */
function said({ name, parent }: DescEnumValue, comments: Comments): string | undefined {
  const comment = comments.get(`${parent.typeName}.${name}`);
  return comment && `${name}: ${comment}`;
}

interface Typed {
  schema: Schema;
  /** Rules that JSON Schema cannot say, as sentences. */
  notes: readonly string[];
}
const plain = (schema: Schema): Typed => ({ schema, notes: [] });

function typeOf(field: DescField): Typed {
  const rules = getOption(field, fieldRules);
  switch (field.fieldKind) {
    case "list": {
      const given = rules.type.case === "repeated" ? rules.type.value : undefined;
      const item = valueType(field, given?.items);
      const [min, max] = [Number(given?.minItems ?? 0), Number(given?.maxItems ?? 0)];
      const schema = {
        ...{ type: "array", items: item.schema },
        ...(min > 0 && { minItems: min }),
        ...(max > 0 && { maxItems: max }),
        ...(given?.unique && { uniqueItems: true }),
      };
      return { schema, notes: item.notes.map((note) => `Each: ${note}`) };
    }
    case "map": {
      const given = rules.type.case === "map" ? rules.type.value : undefined;
      const item = valueType(field, given?.values);
      const keys = scalarType(field.mapKey, given?.keys);
      const max = Number(given?.maxPairs ?? 0);
      const schema = {
        ...{ type: "object", additionalProperties: item.schema },
        ...(max > 0 && { maxProperties: max }),
        ...(Object.keys(keys.schema).length > 1 && { propertyNames: keys.schema }),
      };
      return { schema, notes: [...keys.notes.map((note) => `Each key: ${note}`), ...item.notes.map((note) => `Each value: ${note}`)] };
    }
    default:
      return valueType(field, rules);
  }
}

/** Of a field, or of each value where it is a list or a map. */
function valueType(field: DescField, rules: FieldRules | undefined): Typed {
  if (field.message) return plain(messageType(field.message));
  return field.enum ? plain(enumType(field.enum, rules)) : scalarType(field.scalar!, rules);
}

const messageType = (message: DescMessage): Schema => WELL_KNOWN[message.typeName] ?? refTo(message);

function enumType({ values }: DescEnum, rules: FieldRules | undefined): Schema {
  const rejected = rules?.type.case === "enum" ? rules.type.value.notIn : [];
  return { type: "string", enum: values.filter(({ number }) => !rejected.includes(number)).map(({ name }) => name) };
}

function scalarType(type: ScalarType, rules: FieldRules | undefined): Typed {
  const given = rules?.type;
  switch (type) {
    case ScalarType.STRING: {
      if (given?.case !== "string") return plain({ type: "string" });
      const { minLen, maxLen, maxBytes, pattern } = given.value;
      const schema = {
        type: "string",
        ...(minLen > 0n && { minLength: Number(minLen) }),
        ...(maxLen > 0n && { maxLength: Number(maxLen) }),
        ...(pattern && { pattern }),
      };
      return { schema, notes: maxBytes > 0n ? [`At most ${maxBytes} bytes in UTF-8.`] : [] };
    }
    case ScalarType.BYTES: {
      const length = given?.case === "bytes" ? Number(given.value.len) : 0;
      return { schema: { type: "string", contentEncoding: "base64" }, notes: length > 0 ? [`${length} bytes.`] : [] };
    }
    case ScalarType.BOOL:
      return plain({ type: "boolean" });
    case ScalarType.INT32:
      return plain({ type: "integer", format: "int32", ...rangeOf(rules) });
    // A number in JSON is exact up to 2^53; answers hold texts.
    case ScalarType.INT64:
      return plain({ type: ["integer", "string"], format: "int64", ...rangeOf(rules) });
    case ScalarType.DOUBLE:
      return plain({ type: "number", format: "double", ...rangeOf(rules) });
    default:
      throw new Error(`${ScalarType[type]} has no JSON Schema here yet`);
  }
}

function rangeOf(rules: FieldRules | undefined): Schema {
  const given = rules?.type;
  if (given?.case !== "int32" && given?.case !== "int64" && given?.case !== "double") return {};
  const { greaterThan, lessThan } = given.value;
  return {
    ...(greaterThan.case === "gte" && { minimum: Number(greaterThan.value) }),
    ...(lessThan.case === "lte" && { maximum: Number(lessThan.value) }),
  };
}

/** Required by a rule, or because its value where it is left out (empty, 0, UNSPECIFIED) breaks one. */
function mustBeGiven(field: DescField): boolean {
  if (field.name === BY_HEADER || field.oneof || field.proto.proto3Optional) return false;
  const rules = getOption(field, fieldRules);
  const given = rules.type;
  if (rules.required) return true;
  if (given.case === "string") return given.value.minLen > 0n || (given.value.pattern !== "" && !new RegExp(given.value.pattern).test(""));
  if (given.case === "bytes") return given.value.len > 0n;
  if (given.case === "enum") return given.value.notIn.includes(0);
  if (given.case === "repeated") return given.value.minItems > 0n;
  if (given.case === "int32" || given.case === "int64" || given.case === "double")
    return given.value.greaterThan.case === "gte" && given.value.greaterThan.value > 0;
  return false;
}
