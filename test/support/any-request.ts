import { type DescEnum, type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import { type FieldRules, field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import fc from "fast-check";
import * as blobs from "../../gen/carillon/v1/blob_service.ts";
import * as categories from "../../gen/carillon/v1/category_service.ts";
import * as channel from "../../gen/carillon/v1/channel.ts";
import * as contacts from "../../gen/carillon/v1/contact_service.ts";
import * as notifications from "../../gen/carillon/v1/notification_service.ts";
import * as preferences from "../../gen/carillon/v1/preference_service.ts";
import * as profiles from "../../gen/carillon/v1/profile_service.ts";
import { descriptors } from "../../runtime/grpc/descriptors.ts";

export interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}
const codecs: Readonly<Record<string, unknown>> = {
  ...{ ...blobs, ...categories, ...channel, ...contacts },
  ...{ ...notifications, ...preferences, ...profiles },
};
/** ts-proto's, by the type's name without its package. */
export const codecOf = (desc: DescMessage): Codec => codecs[desc.name] as Codec;

export const requestTypes = (): DescMessage[] =>
  [...descriptors()]
    .filter((d) => d.kind === "service" && d.typeName.startsWith("carillon."))
    .flatMap((s) => (s.kind === "service" ? s.methods.map((m) => m.input) : []));

// --- Messages like those ts-proto makes. `wild` is how many of ten values, beside those as the rules want them, are anything at all. ---

type Arb = fc.Arbitrary<unknown>;

const WILDNESS = [0, 1, 8] as const;
const either = (good: Arb, wild: number, bad: Arb): Arb => fc.oneof({ weight: 10, arbitrary: good }, { weight: wild, arbitrary: bad });

const message = (desc: DescMessage, wild: number): Arb => {
  if (desc.typeName === "google.protobuf.Timestamp") return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) });
  if (desc.typeName === "google.protobuf.Struct") return fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }) as Arb, { maxKeys: 4 });
  const any = fc.record(
    Object.fromEntries(
      desc.members.map((member) => {
        if (member.kind === "field") return [member.localName, value(member, wild)];
        const cases = member.fields.map((f) =>
          (f.message ? message(f.message, wild) : value(f, wild)).map((v) => ({ $case: f.localName, value: v })),
        );
        return [member.localName, either(fc.oneof(...cases), wild, fc.constant(undefined))];
      }),
    ),
  );
  if (desc.name === "CancelNotificationsRequest") return either(any.map(inOneWay), wild, any);
  if (desc.name === "LiveActivity") return either(any.map(asItsEventHas), wild, any);
  return desc.name === "PushContent" ? either(any.map(withoutTwins), wild, fc.oneof(any, any.map(withNothing))) : any;
};

/** What is to be cancelled is named in one way. */
function inOneWay(request: unknown): object {
  const given = request as Readonly<Record<string, string>>;
  if (given.notificationId) return { ...given, idempotencyKey: "", cancelKey: "", userId: "" };
  return given.idempotencyKey ? { ...given, cancelKey: "", userId: "" } : { ...given, userId: given.userId || "ada" };
}

/** A Live Activity keeps its rules: each event has what belongs to it. */
function asItsEventHas(activity: unknown): object {
  const given = activity as Readonly<Record<string, unknown>>;
  const isStart = given.event === 1;
  return {
    ...given,
    ...(isStart
      ? { attributesType: given.attributesType || "Flight", attributes: given.attributes ?? {} }
      : { attributesType: "", attributes: undefined }),
    contentState: given.contentState ?? (given.event === 3 ? undefined : {}),
    dismissalDate: given.event === 3 ? given.dismissalDate : undefined,
  };
}

/** A push keeps its rules: nothing is said twice, and what is shown is not in the background. */
function withoutTwins(push: unknown): object {
  const given = push as Readonly<Record<string, unknown>>;
  const twins = ["title", "body", "subtitle"].flatMap((name) => (given[name] ? [[`${name}Localized`, undefined]] : []));
  const voip = given.liveActivity === undefined && Boolean(given.voip);
  return { ...given, ...Object.fromEntries(twins), background: false, voip };
}

/** A push that neither shows nor tells anything. */
const withNothing = (push: unknown): object => ({
  ...(push as object),
  ...{ title: "", body: "", titleLocalized: undefined, bodyLocalized: undefined, badge: undefined, data: {}, dataJson: undefined },
  ...{ background: false, voip: false, liveActivity: undefined },
});

function value(f: DescField, wild: number): Arb {
  const rules = getOption(f, fieldRules);
  switch (f.fieldKind) {
    case "message":
      return either(message(f.message, wild), rules.required ? wild : 5, fc.constant(undefined));
    case "scalar":
      return f.proto.proto3Optional ? fc.option(scalar(f.scalar, rules, wild), { nil: undefined }) : scalar(f.scalar, rules, wild);
    case "enum":
      return enumeration(f.enum, rules, wild);
    case "list": {
      const { items, unique, minItems } = rules.type.case === "repeated" ? rules.type.value : {};
      const minLength = Number(minItems ?? 0);
      if (f.listKind === "message") return either(fc.array(message(f.message, wild), { minLength, maxLength: 3 }), wild, fc.constant([]));
      const item = f.listKind === "enum" ? enumeration(f.enum, items, wild) : scalar(f.scalar, items, wild);
      const good = unique ? fc.uniqueArray(item, { maxLength: 3 }) : fc.array(item, { minLength, maxLength: 3 });
      return either(good, wild, fc.array(item, { maxLength: 7 }));
    }
    case "map": {
      const keys = rules.type.case === "map" ? rules.type.value.keys : undefined;
      const named = fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty");
      const hasPattern = keys?.type.case === "string" && keys.type.value.pattern !== "";
      const key = either(scalar(ScalarType.STRING, keys, wild), hasPattern ? wild : 1, named) as fc.Arbitrary<string>;
      const max = rules.type.case === "map" ? Number(rules.type.value.maxPairs) : 0;
      const values = rules.type.case === "map" ? rules.type.value.values : undefined;
      const of =
        f.mapKind === "message" ? message(f.message, wild) : f.mapKind === "enum" ? enumeration(f.enum, values, wild) : fc.string();
      const many = fc.tuple(fc.integer({ min: Math.max(0, max - 1), max: max + 2 }), of).map(([n, v]) => manyPairs(n, v));
      return either(fc.dictionary(key, of, { maxKeys: 4 }), wild, many);
    }
  }
}
const manyPairs = (n: number, value: unknown) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, value]));

function enumeration(desc: DescEnum, rules: FieldRules | undefined, wild: number): Arb {
  const rejected = rules?.type.case === "enum" ? rules.type.value.notIn : [];
  const good = desc.values.map((v) => v.number).filter((n) => !rejected.includes(n));
  return either(fc.constantFrom(...good), wild, fc.constantFrom(-1, 0, 99, 2_147_483_647));
}

type Bound = { value?: number | bigint | undefined };
const NUMBERS: ReadonlySet<string | undefined> = new Set(["int32", "int64", "double"]);

function scalar(type: ScalarType, rules: FieldRules | undefined, wild: number): Arb {
  if (type === ScalarType.BOOL) return fc.boolean();
  if (type === ScalarType.INT32 || type === ScalarType.INT64 || type === ScalarType.DOUBLE) {
    const given = NUMBERS.has(rules?.type.case) ? (rules!.type.value as { greaterThan: Bound; lessThan: Bound }) : undefined;
    const [min, max] = [Number(given?.greaterThan.value ?? 0), Number(given?.lessThan.value ?? 9)];
    const good = type === ScalarType.DOUBLE ? fc.double({ min, max, noNaN: true }) : fc.integer({ min, max });
    const bad = [min - 1, max + 1, -2_147_483_648, 2_147_483_647, ...(type === ScalarType.DOUBLE ? [Number.NaN, Infinity, -0] : [])];
    return either(good, wild, fc.constantFrom(...bad));
  }
  if (type === ScalarType.BYTES) {
    const length = rules?.type.case === "bytes" ? Number(rules.type.value.len) : 0;
    return either(fc.constant(length), wild, fc.integer({ min: 0, max: length + 1 })).map((n) => Buffer.alloc(Number(n), 7));
  }
  if (type !== ScalarType.STRING) throw new Error(`no arbitrary for ${ScalarType[type]}`);
  if (rules?.type.case !== "string") return fc.oneof(fc.constant(""), fc.string());
  const { pattern, minLen, maxLen } = rules.type.value;
  const [min, max] = [Number(minLen), maxLen > 0n ? Number(maxLen) : 64];
  const good: fc.Arbitrary<string> = pattern
    ? fc.stringMatching(new RegExp(pattern), { maxLength: max }).filter((t) => t.length >= min)
    : fc.string({ minLength: min, maxLength: Math.min(max, 20) });
  const edge = fc.constantFrom(0, 1, min - 1, min, max - 1, max, max + 1).map((n) => Math.max(0, n));
  const character = fc.constantFrom("a", "1", "é", "😀", "\n", " ", "\u00a0");
  const strange = fc.constantFrom("\n", " ", "\u00a0", "\v", "😀", "\u2028", '"]\\', "\0", "@-", "..");
  const bad = fc.oneof(
    fc.constant(""), // proto3's value of an unset field
    fc.tuple(edge, character).map(([n, c]) => c.repeat(n)),
    fc.tuple(good, strange).map(([g, c]) => g + c),
    fc.tuple(good, strange, good).map((t) => t.join("")),
    fc.string({ unit: "binary" }),
  );
  return either(good, wild, bad);
}

export const anyMessage = (desc: DescMessage): Arb => fc.oneof(...WILDNESS.map((wild) => message(desc, wild)));
