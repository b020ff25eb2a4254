import { type DescField, type DescMessage, fromBinary, fromJson, type JsonValue, ScalarType, toBinary, toJson } from "@bufbuild/protobuf";
import { descriptors, messageDescriptor } from "../../runtime/grpc/descriptors.ts";
import { array, LineError, object, string } from "./line-values.ts";

/**
 * A message of the contract from its JSON (protobuf: ProtoJSON, names in either spelling). Unknown fields and values of a wrong type are a LineError that
 * names the path.
 * @param codec ts-proto's, of the same type
 * @param path of the message in the line, "" for the line itself
 */
export function readMessage<T>(codec: { decode(bytes: Uint8Array): T }, type: string, json: unknown, path: string): T {
  const desc = messageDescriptor(`carillon.v1.${type}`);
  checkMessage(desc, json, path);
  try {
    return codec.decode(toBinary(desc, fromJson(desc, json as JsonValue, { registry: descriptors() })));
  } catch (error) {
    // What is left: a number outside its range, base64 that is none, an unreadable time.
    throw new LineError(`${path || "the line"}: ${error instanceof Error ? error.message : "cannot be read"}`);
  }
}

/** A message as its ProtoJSON, as readMessage() takes it. */
export function writeMessage<T>(codec: { encode(message: T): { finish(): Uint8Array } }, type: string, message: T): JsonValue {
  const desc = messageDescriptor(`carillon.v1.${type}`);
  return toJson(desc, fromBinary(desc, codec.encode(message).finish()), { registry: descriptors() });
}

function checkMessage(desc: DescMessage, json: unknown, path: string): void {
  const given = object(json, path || "the line");
  const oneofs = new Map<string, string>();
  for (const [key, value] of Object.entries(given)) {
    const at = path === "" ? key : `${path}.${key}`;
    const field = desc.fields.find(({ name, jsonName }) => key === jsonName || key === name);
    if (field === undefined) throw new LineError(`${at}: is not a field; the fields are ${desc.fields.map((f) => f.jsonName).join(", ")}`);
    // ProtoJSON: null stands for a field that is not there.
    if (value === null) continue;
    const before = field.oneof && oneofs.get(field.oneof.name);
    if (before !== undefined) throw new LineError(`${at}: must be left out, because ${before} is given`);
    if (field.oneof) oneofs.set(field.oneof.name, key);
    checkField(field, value, at);
  }
}

function checkField(field: DescField, value: unknown, path: string): void {
  switch (field.fieldKind) {
    case "list":
      for (const [i, item] of array(value, path).entries()) checkValue(field, item, `${path}[${i}]`);
      return;
    case "map":
      for (const [key, item] of Object.entries(object(value, path))) checkValue(field, item, `${path}.${string(key, `${path}: a key`)}`);
      return;
    default:
      checkValue(field, value, path);
  }
}

/** @param field of which `value` is the value, or one of them */
function checkValue({ message, enum: values, scalar }: DescField, value: unknown, path: string): void {
  if (message?.typeName === "google.protobuf.Struct") checkTexts(object(value, path), path);
  else if (message?.typeName.startsWith("google.protobuf.")) string(value, path);
  else if (message) checkMessage(message, value, path);
  else if (values) {
    const names = values.values.map(({ name }) => name);
    if (typeof value !== "number" && !names.some((name) => name === value))
      throw new LineError(`${path}: must be one of ${names.join(", ")}`);
  } else if (scalar === ScalarType.STRING || scalar === ScalarType.BYTES) string(value, path);
  else if (scalar === ScalarType.BOOL) {
    if (typeof value !== "boolean") throw new LineError(`${path}: must be true or false`);
  } else if (typeof value !== "number") throw new LineError(`${path}: must be a number`);
}

/** Of free JSON: its keys and texts, which UTF-8 must be able to say. */
function checkTexts(json: object, path: string): void {
  for (const [key, value] of Object.entries(json)) {
    const at = `${path}.${string(key, `${path}: a key`)}`;
    if (typeof value === "string") string(value, at);
    else if (typeof value === "object" && value !== null) checkTexts(value, at);
  }
}
