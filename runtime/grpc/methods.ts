import type { DescMethod } from "@bufbuild/protobuf";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { AnsweredCall } from "../answering.ts";
import { type CallError, callError, invalidRequest, type Violation } from "../call-error.ts";
import type { Authenticate, Identity } from "../handler.ts";
import { descriptors } from "./descriptors.ts";
import { MESSAGE_BYTES_MAX, OPEN_MESSAGE_BYTES_MAX, OPEN_STREAM_MESSAGES_MAX, UNCOUNTED_MESSAGE_BYTES_MAX } from "./limits.ts";
import type { Rejection } from "./rejections.ts";
import { noteWireCounts } from "./validate.ts";
import { compileWirePass, type WireResult } from "./wire.ts";

/** A service with what the listener must know of it. */
export interface GrpcService {
  definition: ServiceDefinition;
  implementation: UntypedServiceImplementation;
  /** The methods without a stream, by path, for other transports. */
  unary?: ReadonlyMap<string, UnaryCall> | undefined;
  /** By the headers, before the message is read. */
  authenticate: Authenticate<Identity>;
  /** Of methods with a limit other than MESSAGE_BYTES_MAX, by name in the definition. */
  messageBytesMax?: Readonly<Record<string, number>> | undefined;
  /** Of methods that answer each item of a list on its own, by name in the definition: the list's name in the request. */
  itemsOf?: Readonly<Record<string, string>> | undefined;
  /** Of each method with a stream of requests, by name in the definition. */
  uploads?: Readonly<Record<string, UploadLimits>> | undefined;
}

/** A method that answers one message with another. */
export interface UnaryCall {
  /** The longest it may take, in ms. */
  readonly handleMsMax: number;
  /** Resolves with the answer or a CallError; never rejects. `deadlineAt` in ms since the epoch. */
  answer(request: unknown, call: AnsweredCall & { caller: Identity; deadlineAt: number }): Promise<unknown>;
}

/** What the listener must know of a method before it reads a call's message. */
export interface MethodLimits {
  /** Bytes of one message. */
  messageBytesMax: number;
  /** Messages of one call: 1, but for streams of requests. */
  messagesMax: number;
  /** Ends with its answer within ANSWER_MS. */
  unary: boolean;
  /** Of a stream of requests that is read as fast as it is handled; undefined: its one message is received as a whole. */
  upload: UploadLimits | undefined;
  /** A stream that anybody may open: few at once, and not for long where requests are a stream. */
  open: boolean;
  /** Of health and reflection: a call of it tells nothing about who calls. */
  anybody: boolean;
  authenticate: Authenticate<Identity>;
}

/** What a stream of requests may take. */
export interface UploadLimits {
  messagesMax: number;
  /** Most bytes of it that are in memory at once: what is charged for it to the bytes under way, however much of it has been read. */
  heldBytes: number;
  /** From its headers to its end, in ms. */
  lifeMs: number;
  /** Until its next message, in ms. */
  silentMs: number;
}

/** What a method's deserializer returns instead of a message: grpc-js answers INTERNAL where it throws. */
export class Received {
  readonly value: unknown;
  /** Of the message and all within it. */
  readonly fields: number;
  readonly error: CallError | undefined;
  readonly reason: Rejection;

  constructor(value: unknown, fields: number, error?: CallError, reason: Rejection = "malformed") {
    this.value = value;
    this.fields = fields;
    this.error = error;
    this.reason = reason;
  }
}

export const isReceived = (message: unknown): message is Received => message instanceof Received;

const malformed = callError("INVALID_ARGUMENT", "MALFORMED", "the message is not valid protobuf of this method's request");

type Method = ServiceDefinition[string];

/** Health or reflection, whose messages are too small to need more: with deserializers that never throw. */
export const guardedOpen = (definition: ServiceDefinition): ServiceDefinition =>
  mapMethods(definition, (_, method) => ({
    ...method,
    requestDeserialize: (bytes: Buffer) => decoded(method, bytes, 0),
  }));

/** The service's definition with deserializers that check the bytes before they decode them, and never throw. */
export const guarded = ({ definition, itemsOf = {} }: GrpcService): ServiceDefinition =>
  mapMethods(definition, (name, method) => {
    const type = declaredMethod(method.path)?.input.typeName;
    if (type === undefined) return { ...method, requestDeserialize: (bytes: Buffer) => decoded(method, bytes, 0) };
    const pass = compileWirePass(type, itemsOf[name]);
    return { ...method, requestDeserialize: (bytes: Buffer) => read(method, pass(bytes), bytes, itemsOf[name]) };
  });

function read(method: Method, found: WireResult, bytes: Buffer, itemsOf: string | undefined): Received {
  if (found.kind === "malformed") return new Received(undefined, 0, malformed);
  const { fields, violations, tooMany } = found;
  if (violations.length === 0) return decoded(method, bytes, fields);
  const isOfItem = ({ field }: Violation) => itemsOf !== undefined && field.startsWith(`${itemsOf}[`);
  if (tooMany || !violations.every(isOfItem))
    return new Received(undefined, fields, invalidRequest(violations), tooMany ? "too-many-items" : "invalid-value");
  const received = decoded(method, bytes, fields);
  if (!received.error) noteWireCounts(received.value as object, found);
  return received;
}

function decoded(method: Method, bytes: Buffer, fields: number): Received {
  try {
    return new Received(method.requestDeserialize(bytes), fields);
  } catch {
    return new Received(undefined, fields, malformed);
  }
}

/** The method of "/carillon.v1.NotificationService/SendNotification" as proto/ declares it; undefined: its service is not ours. */
export function declaredMethod(path: string): DescMethod | undefined {
  const [, service = "", name] = path.split("/");
  const declared = descriptors().getService(service);
  const method = declared?.methods.find((m) => m.name === name);
  if (declared && !method) throw new Error(`no method ${path} in gen/carillon.binpb; after a change of proto/, run make gen`);
  return method;
}

const mapMethods = (definition: ServiceDefinition, change: (name: string, method: Method) => Method): ServiceDefinition =>
  Object.fromEntries(Object.entries(definition).map(([name, method]) => [name, change(name, method)]));

/** By path. */
export function methodLimits({ definition, authenticate, messageBytesMax = {}, uploads = {} }: GrpcService): [string, MethodLimits][] {
  return Object.entries(definition).map(([name, { path, requestStream, responseStream }]) => {
    const upload = uploads[name];
    if (requestStream !== (upload !== undefined) || (upload && responseStream))
      throw new Error(`${path}: a stream of requests needs limits in \`uploads\`, and one answer`);
    const bytesMax = declaredMethod(path) === undefined ? UNCOUNTED_MESSAGE_BYTES_MAX : MESSAGE_BYTES_MAX;
    const limits = { messageBytesMax: messageBytesMax[name] ?? bytesMax, messagesMax: upload?.messagesMax ?? 1 };
    return [path, { ...limits, unary: !responseStream && !upload, upload, open: false, anybody: false, authenticate }];
  });
}

/** Of health and reflection, which anybody may call. */
export function openMethodLimits(definition: ServiceDefinition): [string, MethodLimits][] {
  return Object.values(definition).map(({ path, requestStream, responseStream }) => {
    const messagesMax = requestStream ? OPEN_STREAM_MESSAGES_MAX : 1;
    const limits = { messageBytesMax: OPEN_MESSAGE_BYTES_MAX, messagesMax };
    return [
      path,
      { ...limits, unary: !responseStream, upload: undefined, open: responseStream, anybody: true, authenticate: () => undefined },
    ];
  });
}
