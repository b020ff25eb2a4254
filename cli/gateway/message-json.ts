import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { checkJson } from "../../runtime/connect/check-json.ts";
import { descriptors, messageDescriptor } from "../../runtime/grpc/descriptors.ts";
import { LineError } from "./line-values.ts";

/**
 * A message of the contract from its JSON (protobuf: ProtoJSON, names in either spelling). Unknown fields and values of a wrong type are a LineError that
 * names the path.
 * @param codec ts-proto's, of the same type
 * @param path of the message in the line, "" for the line itself
 */
export function readMessage<T>(codec: { decode(bytes: Uint8Array): T }, type: string, json: unknown, path: string): T {
  const desc = messageDescriptor(`carillon.v1.${type}`);
  const [fault] = checkJson(desc, json).violations;
  if (fault)
    throw new LineError(
      `${[path, fault.field === "request" ? "" : fault.field].filter(Boolean).join(".") || "the line"}: ${fault.message}`,
    );
  try {
    return codec.decode(toBinary(desc, fromJson(desc, json as JsonValue, { registry: descriptors() })));
  } catch {
    // Its words may hold a value.
    throw new LineError(`${path || "the line"}: cannot be read as a ${type}`);
  }
}

/** A message as its ProtoJSON, as readMessage() takes it. */
export function writeMessage<T>(codec: { encode(message: T): { finish(): Uint8Array } }, type: string, message: T): JsonValue {
  const desc = messageDescriptor(`carillon.v1.${type}`);
  return toJson(desc, fromBinary(desc, codec.encode(message).finish()), { registry: descriptors() });
}
