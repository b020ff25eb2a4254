import assert from "node:assert/strict";
import { test } from "node:test";
import { type DescEnum, type DescField, type DescMessage, fromBinary, getOption, ScalarType } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { type FieldRules, field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import fc from "fast-check";
import * as channel from "../../gen/carillon/v1/channel.ts";
import * as contacts from "../../gen/carillon/v1/contact_service.ts";
import * as notifications from "../../gen/carillon/v1/notification_service.ts";
import * as preferences from "../../gen/carillon/v1/preference_service.ts";
import { descriptors } from "./descriptors.ts";
import { compileValidator } from "./validate.ts";

/** Messages made for each request type; the whole file takes a few seconds. */
const RUNS = 250;

interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}
const codecs: Readonly<Record<string, unknown>> = { ...channel, ...contacts, ...notifications, ...preferences };

const requestTypes = (): DescMessage[] =>
  [...descriptors()]
    .filter((d) => d.kind === "service" && d.typeName.startsWith("carillon."))
    .flatMap((s) => (s.kind === "service" ? s.methods.map((m) => m.input) : []));

// --- Messages like those ts-proto makes. `wild` is how many of ten values, beside those as the rules want them, are anything at all. ---

type Arb = fc.Arbitrary<unknown>;

const WILDNESS = [0, 1, 8] as const;
const either = (good: Arb, wild: number, bad: Arb): Arb => fc.oneof({ weight: 10, arbitrary: good }, { weight: wild, arbitrary: bad });

const message = (desc: DescMessage, wild: number): Arb => {
  if (desc.typeName === "google.protobuf.Timestamp") return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) });
  return fc.record(
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
};

function value(f: DescField, wild: number): Arb {
  const rules = getOption(f, fieldRules);
  switch (f.fieldKind) {
    case "message":
      return either(message(f.message, wild), rules.required ? wild : 5, fc.constant(undefined));
    case "scalar":
      return scalar(f.scalar, rules, wild);
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
      // A plain object, which is what ts-proto has for a map, cannot hold this key.
      const key = scalar(ScalarType.STRING, keys, wild).filter((k) => k !== "__proto__") as fc.Arbitrary<string>;
      return either(fc.dictionary(key, fc.string(), { maxKeys: 4 }), wild, fc.integer({ min: 63, max: 66 }).map(manyPairs));
    }
  }
}
const manyPairs = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, ""]));

function enumeration(desc: DescEnum, rules: FieldRules | undefined, wild: number): Arb {
  const rejected = rules?.type.case === "enum" ? rules.type.value.notIn : [];
  const good = desc.values.map((v) => v.number).filter((n) => !rejected.includes(n));
  return either(fc.constantFrom(...good), wild, fc.constantFrom(-1, 0, 99, 2_147_483_647));
}

function scalar(type: ScalarType, rules: FieldRules | undefined, wild: number): Arb {
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

// --- protovalidate's result for the same bytes. ---

const protovalidate = createValidator({ registry: descriptors() });
function expected(desc: DescMessage, bytes: Uint8Array): { field: string; rule: string }[] {
  const result = protovalidate.validate(desc, fromBinary(desc, bytes));
  assert.notEqual(result.kind, "error", String(result.error));
  const violations = (result.violations ?? []).map((v) => ({ field: pathToString(v.field), rule: v.ruleId }));
  // The documented difference: a value over its size limit is not checked further.
  const over = violations.filter((v) => /\.max_(len|items|pairs)$/.test(v.rule));
  return violations.filter(
    (v) => over.every((o) => v === o || o.field !== v.field) && !over.some((o) => v.field.startsWith(`${o.field}[`)),
  );
}
const asText = (violations: readonly { field: string; rule: string }[]) => violations.map((v) => `${v.field}: ${v.rule}`).sort();

test("the requests of every service are tested", () => {
  assert.deepEqual(
    requestTypes()
      .map((t) => t.name)
      .sort(),
    // biome-ignore format: one list
    ["BatchSendNotificationsRequest", "CheckPreferencesRequest", "GetNotificationRequest", "GetPreferencesRequest", "ListContactsRequest", "RegisterContactRequest", "RemoveContactRequest", "SendNotificationRequest", "UpdatePreferencesRequest"],
  );
});

const anyMessage = (desc: DescMessage): Arb => fc.oneof(...WILDNESS.map((wild) => message(desc, wild)));

for (const desc of requestTypes()) {
  test(`finds in any ${desc.name} what protovalidate finds in its bytes`, () => {
    const codec = codecs[desc.name] as Codec;
    const validate = compileValidator(desc.typeName);
    fc.assert(
      fc.property(anyMessage(desc), (given) => {
        const bytes = codec.encode(given).finish();
        assert.deepEqual(asText(validate(codec.decode(bytes))), asText(expected(desc, bytes)));
      }),
      { numRuns: RUNS },
    );
  });
}

test("generated messages are valid often enough, and break every rule that proto/ uses", () => {
  const broken = new Set<string>();
  for (const desc of requestTypes()) {
    const validate = compileValidator(desc.typeName);
    // A fixed seed: this tests the generator above, and must not depend on chance.
    const found = fc.sample(anyMessage(desc), { numRuns: 2 * RUNS, seed: 1 }).map((given) => validate(given));
    const valid = found.filter((v) => v.length === 0).length;
    assert.ok(valid > RUNS / 5 && valid < 2 * RUNS, `${desc.name}: ${valid} valid`);
    for (const violation of found.flat()) broken.add(violation.rule);
  }
  // biome-ignore format: one list
  assert.deepEqual([...broken].sort(), ["bytes.len", "content.present", "email.body", "enum.defined_only", "enum.not_in", "map.max_pairs", "repeated.max_items", "repeated.min_items", "repeated.unique", "required", "string.max_len", "string.min_len", "string.pattern"]);
});
