import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { type CallError, callError } from "../call-error.ts";
import type { Authenticate } from "../handler.ts";
import { MESSAGE_BYTES_MAX, OPEN_MESSAGE_BYTES_MAX, OPEN_STREAM_MESSAGES_MAX } from "./limits.ts";
import type { Rejection } from "./rejections.ts";

/** A service with what the listener must know of it. */
export interface GrpcService {
  definition: ServiceDefinition;
  implementation: UntypedServiceImplementation;
  /** By the headers, before the message is read. */
  authenticate: Authenticate<unknown>;
  /** Of methods with a limit other than MESSAGE_BYTES_MAX, by name in the definition. */
  messageBytesMax?: Readonly<Record<string, number>> | undefined;
}

/** What the listener must know of a method before it reads a call's message. */
export interface MethodLimits {
  /** Bytes of one message. */
  messageBytesMax: number;
  /** Messages of one call: 1, but for streams of requests. */
  messagesMax: number;
  /** Ends with its answer within ANSWER_MS. */
  unary: boolean;
  /** A stream that anybody may open: few at once, and not for long where requests are a stream. */
  open: boolean;
  authenticate: Authenticate<unknown>;
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

/** The definition with deserializers that never throw. */
export function guarded(definition: ServiceDefinition): ServiceDefinition {
  return mapMethods(definition, (method) => ({
    ...method,
    requestDeserialize(bytes: Buffer) {
      try {
        return new Received(method.requestDeserialize(bytes), 0);
      } catch {
        return new Received(undefined, 0, malformed);
      }
    },
  }));
}

const mapMethods = (definition: ServiceDefinition, change: (method: ServiceDefinition[string]) => ServiceDefinition[string]) =>
  Object.fromEntries(Object.entries(definition).map(([name, method]) => [name, change(method)]));

/** By path. */
export function methodLimits({ definition, authenticate, messageBytesMax = {} }: GrpcService): [string, MethodLimits][] {
  return Object.entries(definition).map(([name, { path, requestStream, responseStream }]) => {
    if (requestStream) throw new Error(`${path}: streams of requests are not supported; each of their messages would need a limit`);
    const limits = { messageBytesMax: messageBytesMax[name] ?? MESSAGE_BYTES_MAX, messagesMax: 1 };
    return [path, { ...limits, unary: !responseStream, open: false, authenticate }];
  });
}

/** Of health and reflection, which anybody may call. */
export function openMethodLimits(definition: ServiceDefinition): [string, MethodLimits][] {
  return Object.values(definition).map(({ path, requestStream, responseStream }) => {
    const messagesMax = requestStream ? OPEN_STREAM_MESSAGES_MAX : 1;
    const limits = { messageBytesMax: OPEN_MESSAGE_BYTES_MAX, messagesMax };
    return [path, { ...limits, unary: !responseStream, open: responseStream, authenticate: () => undefined }];
  });
}
