import { type DescField, type DescMessage, getOption, isFieldSet, ScalarType } from "@bufbuild/protobuf";
import { field as fieldRules, MapRulesSchema, RepeatedRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { type FieldPlan, type MessagePlan, WIRE } from "./field-plan.ts";
import { structPlan } from "./json-plan.ts";
import { UnsupportedRuleError } from "./rules.ts";

// A message type as the wire pass needs it: what each field number is, and how often it may occur, from the same rules as validate.ts.

/** Items of a list and pairs of a map for which proto/ has no rule. */
const ITEMS_MAX = 100;
/** Lists and maps of one message type. */
export const LISTS_MAX = 8;
/** Bits of an integer that say which fields have occurred. */
const SINGULAR_MAX = 30;

/** Throws for what the wire pass cannot limit. */
export function planMessage(message: DescMessage, above: readonly DescMessage[] = []): MessagePlan {
  if (above.includes(message)) throw new UnsupportedRuleError(`${message.typeName}: a message within itself is not supported`);
  const fields: (FieldPlan | undefined)[] = [];
  let listCount = 0;
  let singularCount = 0;
  let depth = 1;
  for (const field of message.fields) {
    const isList = field.fieldKind === "list" || field.fieldKind === "map";
    const plan = planField(field, isList ? listCount++ : singularCount++, [...above, message]);
    fields[field.number] = plan;
    depth = Math.max(depth, 1 + (plan.child?.depth ?? 0));
  }
  if (listCount > LISTS_MAX) throw new UnsupportedRuleError(`${message.typeName}: more than ${LISTS_MAX} lists`);
  if (singularCount > SINGULAR_MAX) throw new UnsupportedRuleError(`${message.typeName}: more than ${SINGULAR_MAX} fields`);
  // Without holes: an array with them is slower.
  return { fields: Array.from({ length: fields.length }, (_, n) => fields[n]), listCount, json: "none", depth };
}

function planField(field: DescField, slot: number, above: readonly DescMessage[]): FieldPlan {
  const { type } = getOption(field, fieldRules);
  const shared = { name: field.name, max: 0, isMap: false, packable: false, slot };
  switch (field.fieldKind) {
    case "scalar":
      return { ...shared, ...planScalar(field.scalar) };
    case "enum":
      return { ...shared, ...NUMBER };
    case "message":
      return { ...shared, ...planChild(field.message, above) };
    case "list": {
      const rules = type.case === "repeated" ? type.value : undefined;
      const max = rules && isFieldSet(rules, RepeatedRulesSchema.field.maxItems) ? Number(rules.maxItems) : ITEMS_MAX;
      const item =
        field.listKind === "message" ? planChild(field.message, above) : field.listKind === "enum" ? NUMBER : planScalar(field.scalar);
      return { ...shared, ...item, max, packable: item.kind === "number" };
    }
    case "map": {
      const rules = type.case === "map" ? type.value : undefined;
      const max = rules && isFieldSet(rules, MapRulesSchema.field.maxPairs) ? Number(rules.maxPairs) : ITEMS_MAX;
      const value =
        field.mapKind === "message" ? planChild(field.message, above) : field.mapKind === "enum" ? NUMBER : planScalar(field.scalar);
      const once = { max: 0, isMap: false, packable: false };
      const pair: MessagePlan = {
        fields: [undefined, { ...once, name: "", slot: 0, ...planScalar(field.mapKey) }, { ...once, name: "", slot: 1, ...value }],
        listCount: 0,
        json: "none",
        depth: 1 + (value.child?.depth ?? 0),
      };
      return { ...shared, kind: "message", wire: WIRE.bytes, child: pair, max, isMap: true };
    }
  }
}

type ValuePlan = Pick<FieldPlan, "kind" | "wire" | "child">;
const NUMBER: ValuePlan = { kind: "number", wire: WIRE.varint, child: undefined };

function planChild(message: DescMessage, above: readonly DescMessage[]): ValuePlan {
  if (message.typeName === "google.protobuf.Timestamp") return { kind: "timestamp", wire: WIRE.bytes, child: undefined };
  const child = message.typeName === "google.protobuf.Struct" ? structPlan() : planMessage(message, above);
  return { kind: "message", wire: WIRE.bytes, child };
}

function planScalar(type: ScalarType): ValuePlan {
  switch (type) {
    case ScalarType.STRING:
      return { kind: "string", wire: WIRE.bytes, child: undefined };
    case ScalarType.BYTES:
      return { kind: "bytes", wire: WIRE.bytes, child: undefined };
    case ScalarType.INT64:
      return { ...NUMBER, kind: "int64" };
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return { ...NUMBER, wire: WIRE.bit64 };
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return { ...NUMBER, wire: WIRE.bit32 };
    default:
      return NUMBER;
  }
}
