import { parseJson } from "../parse-json.ts";

export interface JsonLimits {
  /** Objects, arrays, keys and values together. */
  itemsMax: number;
  depthMax: number;
  /** Digits of a number in a row; absent: as many as there are. JSON.parse takes milliseconds for a million. */
  numberMax?: number;
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [ZERO, NINE] = [0x30, 0x39];
const [OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/** What a JSON text holds, counted before it is parsed. */
export interface JsonMeasure {
  /** Objects, arrays, keys and values together. */
  items: number;
  /** Keys with a value. */
  pairs: number;
}

/** The JSON value, or undefined where it is not JSON or beyond the limits, which are checked in one pass over the bytes before it is parsed. */
export function parseBoundedJson(json: Buffer, limits: JsonLimits): unknown {
  return typeof measureJson(json, limits) === "string" ? undefined : parseJson(json);
}

/** Counts what is in a text. Does not check that it is JSON. */
export function measureJson(
  json: Buffer,
  { itemsMax, depthMax, numberMax = Number.POSITIVE_INFINITY }: JsonLimits,
): JsonMeasure | "too-many" | "too-deep" | "too-long" {
  let items = 1;
  let pairs = 0;
  let depth = 0;
  let isText = false;
  /** In a row. */
  let digits = 0;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!;
    if (isText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) isText = false;
      continue;
    }
    digits = byte >= ZERO && byte <= NINE ? digits + 1 : 0;
    if (digits > numberMax) return "too-long";
    if (byte === QUOTE) isText = true;
    else if (byte === COMMA) items++;
    else if (byte === COLON) {
      items++;
      pairs++;
    } else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) {
      items++;
      depth++;
    } else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) depth--;
    if (depth > depthMax) return "too-deep";
    if (items > itemsMax) return "too-many";
  }
  return { items, pairs };
}
