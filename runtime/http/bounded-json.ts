import { parseJson } from "./parse.ts";

export interface JsonLimits {
  /** Objects, arrays, keys and values together. */
  itemsMax: number;
  depthMax: number;
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** The JSON value, or undefined where it is not JSON or beyond the limits, which are checked in one pass over the bytes before it is parsed. */
export function parseBoundedJson(json: Buffer, limits: JsonLimits): unknown {
  return isWithin(json, limits) ? parseJson(json) : undefined;
}

function isWithin(json: Buffer, { itemsMax, depthMax }: JsonLimits): boolean {
  let items = 1;
  let depth = 0;
  let isText = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!;
    if (isText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === COMMA || byte === COLON) items++;
    else if (OPENING.has(byte)) {
      items++;
      depth++;
    } else if (CLOSING.has(byte)) depth--;
    if (items > itemsMax || depth > depthMax) return false;
  }
  return true;
}
