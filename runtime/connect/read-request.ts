import { isUtf8 } from "node:buffer";
import type { DescField, JsonValue } from "@bufbuild/protobuf";
import { type CallError, callError, invalidRequest, type Violation } from "../call-error.ts";
import { FIELD_BYTES } from "../grpc/limits.ts";
import { type JsonMeasure, measureJson } from "../http/bounded-json.ts";
import type { HttpRejection } from "../http/rejections.ts";
import type { CallHead } from "./call-head.ts";
import { checkJson } from "./check-json.ts";
import { findDuplicateKey } from "./duplicate-key.ts";
import type { ConnectMethod } from "./methods.ts";
import { overloaded, tooLarge } from "./receive.ts";

/** A JSON body as protobuf's bytes. */
export interface ReadRequest {
  bytes: Uint8Array;
  error?: undefined;
  /** The caller spells fields as in proto/. */
  isProtoSpelling: boolean;
}
/** Why a body is no request. */
export interface Unreadable {
  error: CallError;
  isProtoSpelling: boolean;
}

/** Objects and lists within one another: the contract has 8, and a google.protobuf.Struct in it 10. */
const JSON_DEPTH_MAX = 32;
/**
 * A body may hold one key or value for each of so many bytes of its limit: far more than requests hold, and JSON.parse takes memory for each of
 * them.
 */
const BYTES_PER_ITEM = 32;
/** Digits in a row: more than the largest double has. */
const JSON_DIGITS_MAX = 400;

const bad = (message: string): Unreadable => ({ error: callError("INVALID_ARGUMENT", "MALFORMED", message), isProtoSpelling: false });
/** @param violations whose fields are spelled as in the body, so they are answered as they are */
const violated = (violations: readonly Violation[]): Unreadable => ({ error: invalidRequest(violations), isProtoSpelling: true });

/** Counts what is in a JSON body, before it is parsed. */
export function measureRequest(body: Buffer, { bodyBytesMax }: Pick<ConnectMethod, "bodyBytesMax">): JsonMeasure | Unreadable {
  if (!isUtf8(body)) return bad("the body must be JSON in UTF-8");
  const itemsMax = bodyBytesMax / BYTES_PER_ITEM;
  const measure = measureJson(body, { itemsMax, depthMax: JSON_DEPTH_MAX, numberMax: JSON_DIGITS_MAX });
  if (measure === "too-deep") return bad(`the JSON has more than ${JSON_DEPTH_MAX} objects and lists within one another`);
  if (measure === "too-long") return bad(`a number in the JSON has more than ${JSON_DIGITS_MAX} digits`);
  return measure === "too-many" ? bad(`the JSON has more than ${itemsMax} keys and values`) : measure;
}

/** @param measure as measureRequest() counted it */
export function readJson(body: Buffer, measure: JsonMeasure, method: ConnectMethod): ReadRequest | Unreadable {
  const text = body.toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (text.trim() === "") return bad("the body is empty; a request without fields is {}");
    // The error's text may quote the body; its position does not.
    const at = /at position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    return bad(`the body is not JSON${at === undefined ? "" : ` (at character ${at})`}`);
  }
  const { violations, pairs, isProtoSpelling } = checkJson(method.input, json);
  if (violations.length > 0) return violated(violations);
  if (pairs < measure.pairs)
    return violated([{ field: findDuplicateKey(text) ?? "request", rule: "json.duplicate_key", message: "is given twice" }]);
  try {
    return { bytes: method.jsonToBytes(json as JsonValue), isProtoSpelling };
  } catch {
    return bad("the JSON is not this method's request");
  }
}

/**
 * Puts the header Idempotency-Key into its field. Where the request lacks the message that holds the field, it stays as it is, and the rules of the
 * request reject it.
 * @param message as it was decoded
 */
function putKey(message: object, key: string, fields: readonly DescField[]): CallError | undefined {
  const last = fields.at(-1);
  let holder: Record<string, unknown> | undefined = message as Record<string, unknown>;
  for (const { localName } of fields.slice(0, -1)) holder = holder?.[localName] as Record<string, unknown> | undefined;
  if (holder === undefined || last === undefined) return undefined;
  const given = holder[last.localName];
  if (given !== "" && given !== key) {
    const field = fields.map(({ name }) => name).join(".");
    return invalidRequest([
      { field, rule: "idempotency_key.header", message: "must be that of the header Idempotency-Key, or be left out" },
    ]);
  }
  holder[last.localName] = key;
  return undefined;
}

/** A request as its handler takes it, or why it is none. */
export interface ReadMessage {
  value?: unknown;
  error?: CallError;
  rejected?: HttpRejection;
  status?: number;
  isProtoSpelling: boolean;
}

/**
 * A body as the message that a handler takes.
 * @param isCharged false: there is no room for what is counted in the message, and nothing is made of it
 */
export function readMessage(
  body: Buffer,
  { method, head }: { method: ConnectMethod; head: CallHead },
  isCharged: (bytes: number) => boolean,
): ReadMessage {
  const { messageBytesMax } = method.limits;
  let read: ReadRequest | Unreadable = { bytes: body, isProtoSpelling: true };
  if (head.codec === "json") {
    const measure = measureRequest(body, method);
    if ("error" in measure) return measure;
    if (!isCharged(measure.items * FIELD_BYTES)) return { ...overloaded, isProtoSpelling: false };
    read = readJson(body, measure, method);
  }
  if (read.error) return read;
  const { bytes, isProtoSpelling } = read;
  if (bytes.length > messageBytesMax) return { ...tooLarge(messageBytesMax), isProtoSpelling };
  const { value, error, fields } = method.decode(bytes);
  if (error) return { error, isProtoSpelling };
  if (head.codec === "proto" && !isCharged(fields * FIELD_BYTES)) return { ...overloaded, isProtoSpelling };
  const conflict = head.key === undefined ? undefined : putKey(value as object, head.key, method.keyField ?? []);
  return conflict ? { error: conflict, isProtoSpelling } : { value, isProtoSpelling };
}
