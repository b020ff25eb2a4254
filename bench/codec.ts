// What does it cost to decode, validate and encode a notification: with ts-proto's generated code and runtime/grpc/validate.ts, or protobuf-es and
// protovalidate? protobuf-es reads its descriptors from gen/carillon.binpb; its generated code would hold the same ones and nothing else.
import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { createValidator, type ValidatorOptions } from "@bufbuild/protovalidate";
import { BatchSendNotificationsRequest, type MessageFns, SendNotificationRequest } from "../gen/carillon/v1/notification_service.ts";
import { descriptors, messageDescriptor } from "../runtime/grpc/descriptors.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import { compileWirePass } from "../runtime/grpc/wire.ts";
import { report } from "./compare/report.ts";
import type { Limits, Side } from "./compare/rounds.ts";
import { cpu, measure, type Section } from "./compare/section.ts";
import { createRequests } from "./notification-bytes.ts";

const RUN_MS = 170_000;
const BATCH = 100;

/** One library's operations on one type of request. */
interface Codec<Message> {
  /** What a listener does before it decodes. */
  check(bytes: Uint8Array): boolean;
  decode(bytes: Uint8Array): Message;
  isValid(message: Message): boolean;
  encode(message: Message): Uint8Array;
}

function tsProto<Message>({ decode, encode }: MessageFns<Message>, typeName: string): Codec<Message> {
  const validate = compileValidator(typeName);
  const pass = compileWirePass(typeName);
  return {
    check: (bytes) => pass(bytes).kind === "read",
    decode: (bytes) => decode(bytes),
    isValid: (message) => validate(message).length === 0,
    encode: (message) => encode(message).finish(),
  };
}

/** @param regexMatch absent: RE2, protovalidate's default */
function protobufEs(typeName: string, regexMatch?: ValidatorOptions["regexMatch"]): Codec<Message> {
  const type = messageDescriptor(typeName);
  const validator = createValidator({ registry: descriptors(), ...(regexMatch ? { regexMatch } : {}) });
  return {
    check: () => true,
    decode: (bytes) => fromBinary(type, bytes),
    isValid: (message) => validator.validate(type, message).kind === "valid",
    encode: (message) => toBinary(type, message),
  };
}

/** The platform's regular expressions, each compiled once, as in runtime/grpc/. */
function platformRegex(): NonNullable<ValidatorOptions["regexMatch"]> {
  const compiled = new Map<string, RegExp>();
  return (pattern, against) => {
    const regex = compiled.get(pattern) ?? new RegExp(pattern, "u");
    compiled.set(pattern, regex);
    return regex.test(against);
  };
}

type Step = "all" | "check" | "decode" | "validate" | "encode";

/** Throws unless the library accepts a valid request and rejects an invalid one: otherwise it would measure something else. */
function sideOf<Message>(name: string, codec: Codec<Message>, batch: number, step: Step): Side {
  const request = createRequests(batch, 0);
  const message = codec.decode(request());
  const spoilt = request().toString("latin1").replaceAll("orders", "ORDERS");
  if (!codec.isValid(message)) throw new Error(`${name}: a valid request is rejected`);
  if (codec.isValid(codec.decode(Buffer.from(spoilt, "latin1")))) throw new Error(`${name}: an invalid request is accepted`);
  if (
    !request()
      .subarray(0, 20)
      .equals(Buffer.from(codec.encode(message)).subarray(0, 20))
  )
    throw new Error(`${name}: encodes differently`);
  const steps: Record<Step, () => unknown> = {
    check: () => codec.check(request()),
    decode: () => codec.decode(request()),
    validate: () => codec.isValid(message),
    encode: () => codec.encode(message),
    all: () => {
      const bytes = request();
      if (!codec.check(bytes)) throw new Error(`${name}: valid bytes are rejected`);
      const decoded = codec.decode(bytes);
      return codec.isValid(decoded) && codec.encode(decoded);
    },
  };
  const run = steps[step];
  return {
    name,
    processes: { bench: process.pid },
    instruments: {},
    async run(items) {
      const each = batch || 1;
      const rounds = Math.ceil(items / each);
      const began = performance.now();
      for (let i = 0; i < rounds; i++) run();
      return { items: rounds * each, ms: performance.now() - began };
    },
  };
}

async function measureCodecs(limits: Limits): Promise<Section> {
  const [send, batchSend] = ["carillon.v1.SendNotificationRequest", "carillon.v1.BatchSendNotificationsRequest"] as const;
  const regexMatch = platformRegex();
  const ours = tsProto(SendNotificationRequest, send);
  const theirs = protobufEs(send);
  const steps = ["decode", "validate", "encode"] as const;
  const sides = [
    sideOf("unary, ts-proto and own rules", ours, 0, "all"),
    sideOf("unary, protobuf-es and protovalidate", theirs, 0, "all"),
    sideOf("unary, the same with the platform's RegExp", protobufEs(send, regexMatch), 0, "all"),
    sideOf("batch, ts-proto and own rules", tsProto(BatchSendNotificationsRequest, batchSend), BATCH, "all"),
    sideOf("batch, protobuf-es and protovalidate", protobufEs(batchSend), BATCH, "all"),
    sideOf("batch, the same with the platform's RegExp", protobufEs(batchSend, regexMatch), BATCH, "all"),
    sideOf("check the bytes, ours", ours, 0, "check"),
    ...steps.flatMap((step) => [sideOf(`${step}, ts-proto`, ours, 0, step), sideOf(`${step}, protobuf-es`, theirs, 0, step)]),
  ];
  const comparison = (what: string, over: string, under: string) => ({ what: `${what}: CPU`, over: cpu(over), under: cpu(under) });
  return await measure(
    "Codec: decode, validate and encode a request, per notification",
    sides,
    [
      comparison("unary, protobuf-es / ts-proto", sides[1]!.name, sides[0]!.name),
      comparison("unary, protobuf-es with RegExp / ts-proto", sides[2]!.name, sides[0]!.name),
      comparison("batch, protobuf-es / ts-proto", sides[4]!.name, sides[3]!.name),
      comparison("batch, protobuf-es with RegExp / ts-proto", sides[5]!.name, sides[3]!.name),
      comparison("check the bytes / decode, ts-proto", "check the bytes, ours", "decode, ts-proto"),
      ...steps.map((step) => comparison(`${step}, protobuf-es / ts-proto`, `${step}, protobuf-es`, `${step}, ts-proto`)),
    ],
    limits,
  );
}

await report("codec", RUN_MS, [[measureCodecs, 1]]);
