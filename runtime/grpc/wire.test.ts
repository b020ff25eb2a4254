import assert from "node:assert/strict";
import { test } from "node:test";
import { type DescField, type DescMessage, getOption, isFieldSet, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { field as fieldRules, MapRulesSchema, RepeatedRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { contentToProto } from "../../core/content/content.ts";
import type { JsonObject, JsonValue } from "../../core/content/json.ts";
import { BatchSendNotificationsRequest, Notification, SendNotificationRequest } from "../../gen/carillon/v1/notification_service.ts";
import { requestTypes } from "../../test/support/any-request.ts";
import { JSON_LEVELS_MAX } from "./json-plan.ts";
import { BATCH_BYTES_MAX, MESSAGE_BYTES_MAX } from "./limits.ts";
import { compileWirePass, SURPLUS_MAX, type WireCounts } from "./wire.ts";

// --- The densest messages, for each field of each request, from the descriptors. ---

/** From a request to one of its fields, or to one within: the fields to go through. */
function* paths(desc: DescMessage, before: readonly DescField[] = []): Generator<readonly DescField[]> {
  for (const field of desc.fields) {
    yield [...before, field];
    if (field.message && !field.message.typeName.startsWith("google.protobuf.")) yield* paths(field.message, [...before, field]);
  }
}

const tag = (field: DescField, wire: WireType) => new BinaryWriter().tag(field.number, wire).finish();
const bytes = (field: DescField, content: Uint8Array) =>
  new BinaryWriter().tag(field.number, WireType.LengthDelimited).bytes(content).finish();
const isVarint = (field: DescField) =>
  field.fieldKind === "enum" ||
  (field.fieldKind === "list" && field.listKind === "enum") ||
  (field.fieldKind === "scalar" && [ScalarType.INT32, ScalarType.INT64, ScalarType.BOOL].includes(field.scalar));

/** The smallest occurrence of a field. */
function smallest(field: DescField): Uint8Array {
  if (isVarint(field)) return Buffer.concat([tag(field, WireType.Varint), Buffer.from([1])]);
  if (field.fieldKind === "scalar" && field.scalar === ScalarType.DOUBLE)
    return Buffer.concat([tag(field, WireType.Bit64), Buffer.alloc(8)]);
  return bytes(field, new Uint8Array());
}

/** Within the messages above it, each of which occurs once. A map's is the value of a pair, its second field. */
const wrapped = (path: readonly DescField[], content: Uint8Array): Uint8Array =>
  path.reduceRight<Uint8Array>((inner, field) => bytes(field, field.fieldKind === "map" ? valueOfPair(inner) : inner), content);
const valueOfPair = (content: Uint8Array) => new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(content).finish();
/** Fields on the wire of what is wrapped: a map has two, its own and the pair's. */
const fieldsOf = (path: readonly DescField[]) => path.length + path.filter(({ fieldKind }) => fieldKind === "map").length;

const repeated = (piece: Uint8Array, length: number): Buffer => Buffer.alloc(Math.floor(length / piece.length) * piece.length, piece);

function limitOf(field: DescField): number {
  const { type } = getOption(field, fieldRules);
  if (type.case === "repeated" && isFieldSet(type.value, RepeatedRulesSchema.field.maxItems)) return Number(type.value.maxItems);
  if (type.case === "map" && isFieldSet(type.value, MapRulesSchema.field.maxPairs)) return Number(type.value.maxPairs);
  return field.fieldKind === "list" || field.fieldKind === "map" ? 100 : 1;
}

/** Of what is put into a field: as large as a request may be. In a batch, an item's fields get as much as the item would have without a batch. */
const roomOf = (desc: DescMessage, above: readonly DescField[] = []) =>
  (desc.name === "BatchSendNotificationsRequest" && above.length === 0 ? BATCH_BYTES_MAX : MESSAGE_BYTES_MAX) - 64;
const passes = new Map(requestTypes().map(({ typeName }) => [typeName, compileWirePass(typeName)]));
const read = (desc: DescMessage, message: Uint8Array): WireCounts => {
  const found = passes.get(desc.typeName)!(message);
  return found.kind === "read" ? found : assert.fail("malformed");
};

for (const desc of requestTypes()) {
  for (const path of paths(desc)) {
    const field = path.at(-1)!;
    const name = `${desc.name}: ${path.map((f) => f.name).join(".")}`;
    const above = path.slice(0, -1);
    const limit = limitOf(field);

    test(`${name}: as many as allowed are let through, as many as fit cost no more work than that`, () => {
      const legal = read(desc, wrapped(above, repeated(smallest(field), limit * smallest(field).length)));
      assert.deepEqual([legal.tooMany, legal.violations], [false, []]);
      assert.equal(legal.fields, fieldsOf(above) + limit);

      const dense = read(desc, wrapped(above, repeated(smallest(field), roomOf(desc, above))));
      assert.equal(dense.tooMany, true);
      assert.ok(dense.fields <= fieldsOf(above) + limit + SURPLUS_MAX + 1, `${dense.fields} fields were read`);
      assert.ok(dense.violations.length <= 10);
    });

    if (field.fieldKind === "scalar" && field.scalar === ScalarType.STRING) {
      test(`${name}: one text as long as the message is one field; invalid UTF-8 in it is named`, () => {
        const long = read(desc, wrapped(path, Buffer.alloc(roomOf(desc, above), "é")));
        assert.deepEqual([long.tooMany, long.violations, long.fields], [false, [], fieldsOf(path)]);
        for (const invalid of [
          [0xff, 0xfe],
          [0xed, 0xa0, 0x80],
          [0xc0, 0xaf],
          [0xe2, 0x82],
        ]) {
          for (const room of [0, 1_000]) {
            const { violations } = read(desc, wrapped(path, Buffer.concat([Buffer.alloc(room, "a"), Buffer.from(invalid)])));
            // A pair of a map has no name.
            const map = path.findIndex((f) => f.fieldKind === "map");
            const named = map < 0 ? path : path.slice(0, map + 1);
            const at = named.map((f) => (f.fieldKind === "list" ? `${f.name}[0]` : f.name)).join(".");
            assert.deepEqual(violations, [{ field: at, rule: "string.utf8", message: "must be valid UTF-8" }]);
          }
        }
      });
    }
    if (isVarint(field) && field.fieldKind === "list") {
      test(`${name}: numbers in one run are counted`, () => {
        const dense = read(desc, wrapped(path, Buffer.alloc(roomOf(desc, above), 1)));
        assert.equal(dense.tooMany, true);
        assert.match(dense.violations[0]?.message ?? "", new RegExp(`at most ${limit}`));
      });
    }
  }

  test(`${desc.name}: unknown fields of any kind are counted, a few are let through`, () => {
    const unknown: Record<string, number[]> = {
      number: [0x98, 0x01, 0],
      "number of ten bytes": [0x98, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      "eight bytes": [0x99, 0x01, 0, 0, 0, 0, 0, 0, 0, 0],
      bytes: [0x9a, 0x01, 0],
      "four bytes": [0x9d, 0x01, 0, 0, 0, 0],
    };
    for (const [kind, piece] of Object.entries(unknown)) {
      const few = read(desc, repeated(Buffer.from(piece), piece.length * SURPLUS_MAX));
      assert.deepEqual([few.tooMany, few.violations], [false, []], kind);
      const many = read(desc, repeated(Buffer.from(piece), roomOf(desc)));
      assert.ok(many.tooMany && many.fields <= SURPLUS_MAX + 1, kind);
    }
  });

  test(`${desc.name}: what is not proto3 is malformed`, () => {
    const pass = compileWirePass(desc.typeName);
    const malformed: Record<string, number[]> = {
      "a group": [0x9b, 0x01, 0x9c, 0x01],
      "an end of a group": [0x9c, 0x01],
      "wire type 6": [0x9e, 0x01],
      "field 0": [0x00, 0x00],
      "a tag of six bytes": [0x8a, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00],
      "a number of eleven bytes": [0x98, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      "a number that does not end": [0x98, 0x01, 0xff],
      "a length beyond the end": [0x9a, 0x01, 0x05, 0x00],
      "a length of 4 GiB": [0x9a, 0x01, 0xff, 0xff, 0xff, 0xff, 0x0f],
      "eight bytes of which four are missing": [0x99, 0x01, 0, 0, 0, 0],
      "a tag alone": [0x0a],
      ...(desc.fields.length > 0 && { "a known field as four bytes": [0x0d, 0, 0, 0, 0] }),
    };
    for (const [what, message] of Object.entries(malformed)) assert.equal(pass(Buffer.from(message)).kind, "malformed", what);
  });
}

// --- Items of a batch, which are answered each on its own. ---

const batchPass = compileWirePass("carillon.v1.BatchSendNotificationsRequest", "notifications");
const notification = (more: object) => ({
  idempotencyKey: "k",
  recipient: { to: { $case: "userId" as const, value: "u" } },
  channels: [],
  notificationClass: 2,
  category: "orders",
  content: contentToProto({ sms: { text: "hello" } }),
  priority: 0,
  collapseKey: "",
  tags: {},
  cancelKey: "",
  sendAt: undefined,
  expiresAt: undefined,
  ...more,
});
const notifications = SendNotificationRequest.encode({ notification: notification({}) as never, validateOnly: false })
  .finish()
  .subarray(2);
const item = (message: Uint8Array) => new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(message).finish();
const batchOf = (...items: Uint8Array[]) => Buffer.concat(items.map(item));
const timestampField = (number: number, content: Uint8Array) =>
  new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(content).finish();
const seconds = (value: bigint | number) => new BinaryWriter().tag(1, WireType.Varint).int64(BigInt(value)).finish();
const nanos = (value: number) => new BinaryWriter().tag(2, WireType.Varint).int32(value).finish();

const far = "must be before the year 10000; is it in milliseconds or nanoseconds?";
const times: [string, Uint8Array, string | undefined][] = [
  ["now", seconds(1_800_000_000), undefined],
  ["the first moment", seconds(-62_135_596_800), undefined],
  ["the last moment", Buffer.concat([seconds(253_402_300_799), nanos(999_999_999)]), undefined],
  ["one second before 1970", seconds(-1), undefined],
  ["before the year 1", seconds(-62_135_596_801), "must not be before the year 1"],
  ["the year 10000", seconds(253_402_300_800), far],
  ["milliseconds", seconds(1_800_000_000_000), far],
  ["nanoseconds", seconds(1_800_000_000_000_000_000n), far],
  ["the largest number", seconds(2n ** 63n - 1n), far],
  ["the smallest number", seconds(-(2n ** 63n)), "must not be before the year 1"],
  ["nanos of two seconds", nanos(2_000_000_000), "its nanos must be 0 to 999999999"],
  ["nanos below zero", Buffer.concat([seconds(1_800_000_000), nanos(-1)]), "its nanos must be 0 to 999999999"],
  ["two fields over and over", repeated(seconds(2n ** 63n - 1n), 11 * 90), far],
  ["a field that is none of its", Buffer.concat([seconds(2n ** 62n), Buffer.from([0x9a, 0x01, 2, 1, 1])]), far],
];
for (const [what, content, message] of times) {
  test(`a time of ${what}: ${message ?? "let through"}; the batch's other items are read`, () => {
    const spoilt = Buffer.concat([notifications, timestampField(10, content)]);
    const batch = batchOf(notifications, spoilt, notifications);
    const found = batchPass(batch);
    assert.ok(found.kind === "read" && !found.tooMany);
    assert.deepEqual(found.violations, message ? [{ field: "notifications[1].expires_at", rule: "timestamp.range", message }] : []);
    const decoded = BatchSendNotificationsRequest.decode(batch).notifications;
    assert.deepEqual(
      decoded.map((n) => n.idempotencyKey),
      ["k", "k", "k"],
    );
    if (message) assert.equal(decoded[1]?.expiresAt?.getTime(), 0);
  });
}

test("an item with too much in it is emptied, and the others are read", () => {
  const pairs = new BinaryWriter().tag(3, WireType.LengthDelimited).bytes(new Uint8Array()).finish();
  const push = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(repeated(pairs, 500_000)).finish();
  const heavy = Buffer.concat([notifications, new BinaryWriter().tag(6, WireType.LengthDelimited).bytes(push).finish()]);
  const batch = batchOf(notifications, heavy, notifications);
  const found = batchPass(batch);
  assert.ok(found.kind === "read" && !found.tooMany);
  assert.deepEqual(found.blanked, ["notifications[1]"]);
  assert.ok(found.fields < 250, `${found.fields} fields were read`);
  assert.ok(found.violations.some((v) => v.field === "notifications[1].content.push.data" && v.rule === "map.max_pairs"));
  const decoded = BatchSendNotificationsRequest.decode(batch).notifications;
  assert.deepEqual(
    decoded.map((n) => n.idempotencyKey),
    ["k", "", "k"],
  );
});

const pushOf = (dataJson: JsonObject) => notification({ content: contentToProto({ push: { title: "t", body: "", data: {}, dataJson } }) });
/** What the pass says of such an item between two others; the others are always read. */
function jsonViolations(dataJson: JsonObject): readonly object[] {
  const batch = batchOf(notifications, Notification.encode(pushOf(dataJson) as never).finish(), notifications);
  const found = batchPass(batch);
  assert.ok(found.kind === "read" && !found.tooMany);
  const decoded = BatchSendNotificationsRequest.decode(batch).notifications;
  assert.deepEqual([decoded[0]?.idempotencyKey, decoded[2]?.idempotencyKey], ["k", "k"]);
  return found.violations;
}
const levels = (count: number, inner: JsonValue = 1): JsonObject => ({ a: count > 1 ? levels(count - 1, inner) : inner });
const listOf = (length: number): JsonValue[] => Array.from({ length }, () => 1);
const field = "notifications[1].content.push.data_json";

test("JSON has a depth, as many items in each list, and as many values in all, as its limits say", () => {
  assert.deepEqual(jsonViolations(levels(JSON_LEVELS_MAX)), []);
  const tooDeep = { field, rule: "json.levels", message: "must have at most 10 objects and lists within one another" };
  for (const value of [levels(JSON_LEVELS_MAX + 1), levels(JSON_LEVELS_MAX, []), levels(30)])
    assert.deepEqual(jsonViolations(value), [tooDeep]);
  assert.deepEqual(jsonViolations({ a: listOf(100) }), []);
  const nine = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, listOf(100)]));
  assert.deepEqual(jsonViolations(nine), []);
  const tooMany = { field, rule: "json.values", message: "must hold at most 1000 values at all levels together" };
  assert.deepEqual(jsonViolations({ ...nine, last: listOf(100) }), [tooMany]);
  const [long] = jsonViolations({ a: listOf(300) });
  assert.deepEqual(long, { field, rule: "repeated.max_items", message: "must hold at most 100" });
});

test("JSON without a value, which libraries read differently, is a violation", () => {
  const inside = (number: number, content: Uint8Array) => new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(content).finish();
  const key = inside(1, Buffer.from("k"));
  const text = inside(3, Buffer.from("x"));
  const dataJsonOf = (pair: Uint8Array) =>
    batchPass(batchOf(Buffer.concat([notifications, inside(6, inside(1, inside(22, inside(1, pair))))])));
  for (const pair of [
    key,
    Buffer.concat([key, inside(2, new Uint8Array())]),
    Buffer.concat([key, inside(2, Buffer.concat([text, Buffer.from([8, 0])]))]),
  ]) {
    const found = dataJsonOf(pair);
    assert.ok(found.kind === "read");
    assert.ok(found.violations.some((v) => v.field === "notifications[0].content.push.data_json" && v.rule === "json.value"));
  }
});

test("a message that must be merged is a violation: ts-proto would drop its first part", () => {
  const twice = Buffer.concat([notifications, new BinaryWriter().tag(6, WireType.LengthDelimited).bytes(new Uint8Array()).finish()]);
  const found = batchPass(batchOf(twice));
  assert.ok(found.kind === "read");
  assert.deepEqual(found.violations, [{ field: "notifications[0].content", rule: "wire.once", message: "must be given once" }]);
});

test("a batch of more than a thousand is cut off soon after", () => {
  const found = batchPass(repeated(item(new Uint8Array()), BATCH_BYTES_MAX));
  assert.ok(found.kind === "read" && found.tooMany);
  assert.deepEqual(found.violations, [{ field: "notifications", rule: "repeated.max_items", message: "must hold at most 1000" }]);
  assert.equal(found.fields, 1_000 + SURPLUS_MAX + 1);
});

test("a 64-bit number that the decoder would throw for is malformed", () => {
  const pass = compileWirePass("carillon.v1.ListPreferenceChangesRequest");
  const beforeVersion = (value: bigint) => Buffer.from(new BinaryWriter().tag(3, WireType.Varint).int64(value).finish());
  const safe = BigInt(Number.MAX_SAFE_INTEGER);
  for (const value of [0n, safe, -safe]) assert.equal(pass(beforeVersion(value)).kind, "read", `${value}`);
  for (const value of [safe + 1n, -safe - 1n, 2n ** 63n - 1n, -(2n ** 63n)])
    assert.equal(pass(beforeVersion(value)).kind, "malformed", `${value}`);
});
