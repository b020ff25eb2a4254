import { isUtf8 } from "node:buffer";
import type { Violation } from "../call-error.ts";
import { messageDescriptor } from "./descriptors.ts";
import { type FieldPlan, type MessagePlan, WIRE } from "./field-plan.ts";
import { JSON_LEVELS_MAX, JSON_VALUES_MAX, PAIR_VALUE_BIT } from "./json-plan.ts";
import { nanosFault, secondsFault } from "./timestamp-range.ts";
import { LISTS_MAX, planMessage } from "./wire-plan.ts";

/** What a request's bytes hold, found before anything of them is decoded. */
export type WireResult = { kind: "malformed" } | WireCounts;

export interface WireCounts {
  kind: "read";
  /** Fields of the message and of all within it. */
  fields: number;
  violations: readonly Violation[];
  /** Paths of items that have been replaced by an empty one, because decoding them would cost too much. */
  blanked: readonly string[];
  /** A violation is of the message as a whole: it must not be decoded. */
  tooMany: boolean;
}

/**
 * Fields that are unknown, or occur again where only the last one counts, or exceed their list's limit, in one message; in a batch, in each item.
 * A newer client sends a few unknown fields, and a rule that is barely broken is named together with the others.
 */
export const SURPLUS_MAX = 100;
/** Violations of one message or item. */
const VIOLATIONS_MAX = 10;
/** A string up to this length is looked through here; a longer one is worth a call into Node. */
const SHORT_STRING = 64;

/** For a field number that no message has, and the length of what replaces an item. */
const FILLER_TAG = [0xc2, 0xa3, 0x09];
const FILLER_BYTES = FILLER_TAG.length + 4;

type Outcome = "ok" | "malformed" | "too-many";

/**
 * Compiles the pass over the bytes of one message type: structure, number of items and pairs, UTF-8, timestamps. Its work and memory are
 * bounded by the bytes, and nothing is allocated for a field of a valid message. In `itemsOf`, a list whose items are answered each on its
 * own, what is wrong with an item concerns this item only. The pass overwrites items and timestamps that cannot be decoded.
 */
export function compileWirePass(typeName: string, itemsOf?: string): (bytes: Uint8Array) => WireResult {
  const plan = planMessage(messageDescriptor(typeName));
  // Of the pass under way. It is not interrupted, so one set of them serves all calls.
  let bytes: Uint8Array = NO_BYTES;
  let pos = 0;
  let fields = 0;
  let surplus = 0;
  let violations: Violation[] = [];
  let violationsLeft = 0;
  let blanked: string[] = [];
  /** Values that the Struct being read may still have. */
  let jsonLeft = 0;
  const path = new Array<FieldPlan | undefined>(plan.depth).fill(undefined);
  const indexes = new Int32Array(plan.depth);
  const counts = new Int32Array(plan.depth * LISTS_MAX);

  function pathTo(depth: number): string {
    let text = "";
    for (let d = 0; d <= depth; d++) {
      const field = path[d];
      // A pair of a map has no name of its own: its key may be what is wrong.
      if (!field || field.name === "") break;
      text += `${text === "" ? "" : "."}${field.name}${field.max > 0 && !field.isMap ? `[${indexes[d]}]` : ""}`;
    }
    return text;
  }

  function violated(field: string, rule: string, message: string): void {
    if (violationsLeft-- > 0) violations.push({ field, rule, message });
  }

  /** Counts one field more than the message should have. True when that is too many. */
  const isTooMany = (): boolean => ++surplus > SURPLUS_MAX;

  function tooManyUnknown(depth: number): Outcome {
    violated(pathTo(depth - 1) || "request", "wire.fields", `has more than ${SURPLUS_MAX} fields that are unknown or occur again`);
    return "too-many";
  }

  function tooManyItems(field: FieldPlan, depth: number): Outcome {
    const list = [pathTo(depth - 1), field.name].filter((part) => part !== "").join(".");
    violated(list, field.isMap ? "map.max_pairs" : "repeated.max_items", `must hold at most ${field.max}`);
    return "too-many";
  }

  function jsonLimit(depth: number, rule: string, message: string): Outcome {
    violated(pathTo(depth - 1), rule, message);
    return "too-many";
  }

  /** A tag or a length; -1 if there is none. Most have one byte, none more than five. */
  function uint32(end: number): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < 5 && pos < end; i++) {
      const byte = bytes[pos++]!;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value <= 0xffff_ffff ? value : -1;
      unit *= 128;
    }
    return -1;
  }

  function skipVarint(end: number): boolean {
    for (let i = 0; i < 10 && pos < end; i++) if (bytes[pos++]! < 0x80) return true;
    return false;
  }

  function skip(wire: number, end: number): boolean {
    if (wire === WIRE.varint) return skipVarint(end);
    if (wire === WIRE.bytes) {
      const length = uint32(end);
      if (length < 0 || length > end - pos) return false;
      pos += length;
      return true;
    }
    // Groups, which no message of ours has, are malformed.
    pos += wire === WIRE.bit64 ? 8 : wire === WIRE.bit32 ? 4 : Number.POSITIVE_INFINITY;
    return pos <= end;
  }

  function message(type: MessagePlan, end: number, depth: number): Outcome {
    if (type.json === "root") jsonLeft = JSON_VALUES_MAX;
    else if (type.json === "value" && --jsonLeft < 0)
      return jsonLimit(depth, "json.values", `must hold at most ${JSON_VALUES_MAX} values at all levels together`);
    let seen = 0;
    const first = depth * LISTS_MAX;
    for (let i = 0; i < type.listCount; i++) counts[first + i] = 0;
    while (pos < end) {
      fields++;
      const tag = uint32(end);
      if (tag < 8) return "malformed";
      const number = tag >>> 3;
      const wire = tag & 7;
      const field = number < type.fields.length ? type.fields[number] : undefined;
      path[depth] = field;
      if (field === undefined) {
        if (isTooMany()) return tooManyUnknown(depth);
        if (!skip(wire, end)) return "malformed";
        continue;
      }
      if (wire !== field.wire) {
        // Decoders disagree about a field of another type than theirs: some skip it, some read on at the wrong place.
        if (!field.packable || wire !== WIRE.bytes) return "malformed";
        const outcome = packed(field, end, first + field.slot, depth);
        if (outcome !== "ok") return outcome;
        continue;
      }
      if (field.max > 0) {
        const count = counts[first + field.slot]!;
        counts[first + field.slot] = count + 1;
        indexes[depth] = count;
        if (count >= field.max && isTooMany()) return tooManyItems(field, depth);
      } else {
        const bit = 1 << field.slot;
        if ((seen & bit) !== 0) {
          if (isTooMany()) return tooManyUnknown(depth);
          // To be merged, says the standard; ts-proto would drop the first one, and so lose something of the notification.
          if (field.kind === "message") violated(pathTo(depth), "wire.once", "must be given once");
        }
        seen |= bit;
      }
      const outcome = value(field, wire, end, depth);
      if (outcome !== "ok") return outcome;
    }
    if (type.json !== "none" && !isWholeJson(type, seen)) violated(pathTo(depth - 1), "json.value", "must have one value in each entry");
    return "ok";
  }

  /** Libraries disagree about an entry without a value, and about a value of no kind. */
  function isWholeJson({ json }: MessagePlan, seen: number): boolean {
    if (json === "pair") return (seen & PAIR_VALUE_BIT) !== 0;
    return json === "root" || (seen !== 0 && (seen & (seen - 1)) === 0);
  }

  function value(field: FieldPlan, wire: number, end: number, depth: number): Outcome {
    if (field.kind === "number") return skip(wire, end) ? "ok" : "malformed";
    // The decoder throws for what a number cannot hold.
    if (field.kind === "int64") return Number.isSafeInteger(int64(end)) ? "ok" : "malformed";
    const length = uint32(end);
    if (length < 0 || length > end - pos) return "malformed";
    const start = pos;
    const stop = start + length;
    switch (field.kind) {
      case "string":
        if (!isText(start, stop)) violated(pathTo(depth), "string.utf8", "must be valid UTF-8");
        break;
      case "message":
        return depth === 0 && field.name === itemsOf ? item(field, stop) : message(field.child!, stop, depth + 1);
      case "too-deep":
        return jsonLimit(depth, "json.levels", `must have at most ${JSON_LEVELS_MAX} objects and lists within one another`);
      case "timestamp": {
        const fault = timestamp(stop);
        if (fault === "malformed") return fault;
        if (fault) {
          violated(pathTo(depth), "timestamp.range", fault);
          blankTimestamp(start, stop);
        }
      }
    }
    pos = stop;
    return "ok";
  }

  function item(field: FieldPlan, stop: number): Outcome {
    const start = pos;
    const outer = surplus;
    surplus = 0;
    violationsLeft = VIOLATIONS_MAX;
    const outcome = message(field.child!, stop, 1);
    surplus = outer;
    violationsLeft = VIOLATIONS_MAX;
    if (outcome !== "too-many") return outcome;
    blanked.push(pathTo(0));
    blankItem(start, stop);
    pos = stop;
    return "ok";
  }

  /** A list of numbers as one run of bytes. */
  function packed(field: FieldPlan, end: number, counter: number, depth: number): Outcome {
    const length = uint32(end);
    if (length < 0 || length > end - pos) return "malformed";
    const stop = pos + length;
    while (pos < stop) {
      if (!skip(field.wire, stop)) return "malformed";
      const count = counts[counter]!;
      counts[counter] = count + 1;
      if (count >= field.max && isTooMany()) return tooManyItems(field, depth);
    }
    return "ok";
  }

  function isText(start: number, stop: number): boolean {
    if (stop - start > SHORT_STRING) return isUtf8(bytes.subarray(start, stop));
    for (let i = start; i < stop; i++) if (bytes[i]! >= 0x80) return isUtf8(bytes.subarray(start, stop));
    return true;
  }

  /** What is wrong with a google.protobuf.Timestamp, in words. */
  function timestamp(stop: number): string | undefined {
    let fault: string | undefined;
    while (pos < stop) {
      fields++;
      const tag = uint32(stop);
      if (tag < 8) return "malformed";
      if (tag === SECONDS_TAG || tag === NANOS_TAG) {
        const number = int64(stop);
        if (Number.isNaN(number)) return "malformed";
        fault ??= tag === SECONDS_TAG ? secondsFault(number) : nanosFault(number);
      } else {
        if (isTooMany()) return "has fields that are none of a timestamp";
        if (!skip(tag & 7, stop)) return "malformed";
      }
    }
    return fault;
  }

  /** NaN if there is none; beyond 2^53 not exact. */
  function int64(end: number): number {
    let positive = 0;
    // Of a negative number, the bits that are not set, which are few.
    let negative = 0;
    for (let i = 0; i < 10 && pos < end; i++) {
      const byte = bytes[pos++]!;
      const unit = 2 ** (7 * i);
      positive += (byte & 0x7f) * unit;
      // The tenth byte holds the sign alone; adding its weight would lose the others.
      if (i < 9) negative += (~byte & 0x7f) * unit;
      if (byte < 0x80) return i === 9 && (byte & 1) === 1 ? -1 - negative : positive;
    }
    return Number.NaN;
  }

  /** Fills a timestamp with what decodes as 1970. */
  function blankTimestamp(start: number, stop: number): void {
    bytes.fill(0x80, start, stop);
    if (stop - start <= 11) {
      bytes[start] = UNKNOWN_NUMBER_TAG;
      bytes[stop - 1] = 0;
    } else {
      bytes[start] = UNKNOWN_BYTES_TAG;
      putLength(start + 1, stop - start - 5);
    }
  }

  /** Fills an item with what decodes as an empty one. It has more bytes than that: it has too many fields. */
  function blankItem(start: number, stop: number): void {
    bytes.set(FILLER_TAG, start);
    putLength(start + FILLER_TAG.length, stop - start - FILLER_BYTES);
  }

  /** In four bytes, whatever its size. */
  function putLength(at: number, length: number): void {
    for (let i = 0; i < 4; i++) bytes[at + i] = ((length >>> (7 * i)) & 0x7f) | (i < 3 ? 0x80 : 0);
  }

  return (given) => {
    bytes = given;
    pos = fields = surplus = 0;
    violations = [];
    blanked = [];
    violationsLeft = VIOLATIONS_MAX;
    const outcome = message(plan, given.length, 0);
    bytes = NO_BYTES;
    return outcome === "malformed" ? MALFORMED : { kind: "read", fields, violations, blanked, tooMany: outcome === "too-many" };
  };
}

const NO_BYTES = new Uint8Array();
const MALFORMED: WireResult = { kind: "malformed" };
const SECONDS_TAG = 0x08;
const NANOS_TAG = 0x10;
/** Field 15, which a timestamp does not have. */
const UNKNOWN_NUMBER_TAG = 0x78;
const UNKNOWN_BYTES_TAG = 0x7a;
