// What the wire pass knows of a message type and of its fields.

export const WIRE = { varint: 0, bit64: 1, bytes: 2, bit32: 5 } as const;

/** "int64": decoded as a number, so it must be a safe integer. "too-deep": an object or a list of a google.protobuf.Struct below JSON_LEVELS_MAX (json-plan.ts). */
type FieldKind = "number" | "int64" | "bytes" | "string" | "message" | "timestamp" | "too-deep";

export interface FieldPlan {
  readonly name: string;
  readonly kind: FieldKind;
  readonly wire: number;
  /** Undefined unless `kind` is message. */
  readonly child: MessagePlan | undefined;
  /** Items of a list or pairs of a map; 0: it may occur once. */
  readonly max: number;
  readonly isMap: boolean;
  /** A list of numbers, which may also come as one run of bytes. */
  readonly packable: boolean;
  /** Its place among the message's counters if it is a list, else its bit among those seen. */
  readonly slot: number;
}

export interface MessagePlan {
  /** By number. */
  readonly fields: readonly (FieldPlan | undefined)[];
  readonly listCount: number;
  /** "root": a google.protobuf.Struct in a field of ours; "pair": an entry in it; "value": one of its values, which are counted. */
  readonly json: "none" | "root" | "pair" | "value";
  /** Messages within one another, this one included. */
  readonly depth: number;
}
