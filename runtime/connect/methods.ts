import { type DescField, type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { descriptors } from "../grpc/descriptors.ts";
import {
  declaredMethod,
  type GrpcService,
  guarded,
  type MethodLimits,
  methodLimits,
  type Received,
  type UnaryCall,
} from "../grpc/methods.ts";
import { BODY_BYTES_MAX } from "./receive.ts";

/** A unary method as HTTP serves it. */
export interface ConnectMethod {
  /** Without a leading slash, as in metrics and traces. */
  readonly path: string;
  readonly input: DescMessage;
  readonly limits: MethodLimits;
  /** Of one body. */
  readonly bodyBytesMax: number;
  /** Marked NO_SIDE_EFFECTS in proto/: it may be called with GET. */
  readonly isReading: boolean;
  /** The field that the header Idempotency-Key may stand for; undefined: there is none. */
  readonly keyField: readonly DescField[] | undefined;
  readonly call: UnaryCall;
  /** The same checks of the bytes, and the same limits, as on a gRPC port. */
  decode(bytes: Uint8Array): Received;
  encode(answer: unknown): Uint8Array;
  /** Throws for a value that checkJson() would not let through, and for little else. */
  jsonToBytes(json: JsonValue): Uint8Array;
  bytesToJson(bytes: Uint8Array): string;
}

/** By path, with a leading slash. Streams are undefined: they are served by gRPC alone. */
export function connectMethods(services: readonly GrpcService[]): ReadonlyMap<string, ConnectMethod | undefined> {
  const methods = new Map<string, ConnectMethod | undefined>();
  for (const service of services) {
    const limits = new Map(methodLimits(service));
    for (const { path, requestDeserialize, responseSerialize } of Object.values(guarded(service))) {
      const call = service.unary?.get(path);
      methods.set(
        path,
        call && { ...describe(path, limits.get(path)!, call), decode: asBuffer(requestDeserialize), encode: responseSerialize },
      );
    }
  }
  return methods;
}

const asBuffer = (decode: (bytes: Buffer) => unknown) => (bytes: Uint8Array) =>
  decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Received;

function describe(path: string, limits: MethodLimits, call: UnaryCall): Omit<ConnectMethod, "decode" | "encode"> {
  const method = declaredMethod(path);
  if (!method) throw new Error(`${path}: its service is not declared in proto/`);
  const { input, output, idempotency } = method;
  const registry = descriptors();
  return {
    ...{ path: path.slice(1), input, limits, call, bodyBytesMax: Math.min(limits.messageBytesMax, BODY_BYTES_MAX) },
    isReading: idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    keyField: keyFieldOf(input),
    jsonToBytes: (json) => toBinary(input, fromJson(input, json, { registry })),
    bytesToJson: (bytes) => JSON.stringify(toJson(output, fromBinary(output, bytes), { registry })),
  };
}

/**
 * `idempotency_key` of the message in the request. One of the request itself says which notification a search or a cancelling is about: clients that send the
 * header with every call would search by a key that nothing has.
 */
export function keyFieldOf(input: DescMessage): readonly DescField[] | undefined {
  const keyOf = ({ fields }: DescMessage) => fields.find(({ name }) => name === "idempotency_key");
  for (const field of input.fields) {
    const inner = field.fieldKind === "message" ? keyOf(field.message) : undefined;
    if (inner) return [field, inner];
  }
  return undefined;
}
