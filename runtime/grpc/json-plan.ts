import { type FieldPlan, type MessagePlan, WIRE } from "./field-plan.ts";

// google.protobuf.Struct, Value and ListValue as the wire pass needs them. They are within one another, so their plan is written out, to a bounded
// depth. Their fields have no name, so that a path ends at the field of our own contract.

/** Objects and lists within one another, the outermost included. What providers take has at most six. */
export const JSON_LEVELS_MAX = 10;
/** Values of one Struct, at all levels. A push of 4 KiB holds fewer. */
export const JSON_VALUES_MAX = 1_000;
/** Entries of an object, items of a list. */
const JSON_ITEMS_MAX = 100;

/** Bit of an entry's value among the fields seen. */
export const PAIR_VALUE_BIT = 1 << 1;

const ONCE = { name: "", max: 0, isMap: false, packable: false, child: undefined } as const;
const LISTED = { name: "", kind: "message", wire: WIRE.bytes, slot: 0, max: JSON_ITEMS_MAX, packable: false } as const;

const messageOf = (fields: readonly FieldPlan[], listCount: number, json: MessagePlan["json"], depth: number): MessagePlan => ({
  fields: [undefined, ...fields],
  listCount,
  json,
  depth,
});

/** The plan of a Struct. */
export const structPlan = (): MessagePlan => ({ ...containersAt(1).struct, json: "root" });

function containersAt(level: number): { struct: MessagePlan; list: MessagePlan } {
  const below = level < JSON_LEVELS_MAX ? containersAt(level + 1) : undefined;
  const nested = (child: MessagePlan | undefined, slot: number): FieldPlan =>
    child ? { ...ONCE, kind: "message", wire: WIRE.bytes, child, slot } : { ...ONCE, kind: "too-deep", wire: WIRE.bytes, slot };
  const value = messageOf(
    [
      { ...ONCE, kind: "number", wire: WIRE.varint, slot: 0 },
      { ...ONCE, kind: "number", wire: WIRE.bit64, slot: 1 },
      { ...ONCE, kind: "string", wire: WIRE.bytes, slot: 2 },
      { ...ONCE, kind: "number", wire: WIRE.varint, slot: 3 },
      nested(below?.struct, 4),
      nested(below?.list, 5),
    ],
    0,
    "value",
    1 + (below?.struct.depth ?? 0),
  );
  const pair = messageOf(
    [
      { ...ONCE, kind: "string", wire: WIRE.bytes, slot: 0 },
      { ...ONCE, kind: "message", wire: WIRE.bytes, child: value, slot: 1 },
    ],
    0,
    "pair",
    1 + value.depth,
  );
  return {
    struct: messageOf([{ ...LISTED, child: pair, isMap: true }], 1, "none", 1 + pair.depth),
    list: messageOf([{ ...LISTED, child: value, isMap: false }], 1, "none", 1 + value.depth),
  };
}
