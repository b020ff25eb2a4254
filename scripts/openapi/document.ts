import { createFileRegistry, type DescMethod, type DescService, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { CONNECT_CODES } from "../../runtime/connect/codes.ts";
import { renameFields } from "../../runtime/connect/field-names.ts";
import { keyFieldOf } from "../../runtime/connect/methods.ts";
import { BODY_BYTES_MAX } from "../../runtime/connect/receive.ts";
import { MESSAGE_BYTES_MAX } from "../../runtime/grpc/limits.ts";
import { type Comments, commentsOf } from "./comments.ts";
import { messageSchema, messagesWithin, refTo, type Schema, schemaName } from "./schemas.ts";

/** One call of the API, as the page and the document show it. */
export interface Operation {
  service: DescService;
  method: DescMethod;
  /** /carillon.v1.NotificationService/SendNotification */
  path: string;
  comment: string;
  /** Its request, as somebody would write it. */
  example: unknown;
  /** It may be called with GET. */
  isReading: boolean;
  /** The header Idempotency-Key stands for a field of the request. */
  takesKey: boolean;
}

export interface Api {
  operations: readonly Operation[];
  comments: Comments;
}

/**
 * @param set gen/carillon.binpb
 * @param examples of requests, by "Service/Method"
 */
export function readApi(set: Uint8Array, examples: Readonly<Record<string, unknown>>): Api {
  const registry: FileRegistry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
  const fields = [...registry].flatMap((type) => (type.kind === "message" ? type.fields : []));
  const names = new Map(fields.map(({ name, jsonName }) => [name, jsonName]));
  const comments = new Map([...commentsOf(registry.files)].map(([name, comment]) => [name, renameFields(comment, names)]));
  const unused = new Set(Object.keys(examples));
  const operations: Operation[] = [];
  for (const service of registry) {
    if (service.kind !== "service" || !service.typeName.startsWith("carillon.v1.")) continue;
    for (const method of service.methods) {
      if (method.methodKind !== "unary") continue;
      const name = `${service.name}/${method.name}`;
      if (!unused.delete(name)) throw new Error(`examples/http-json.json has no ${name}`);
      operations.push({
        ...{ service, method, path: `/${service.typeName}/${method.name}`, example: examples[name] },
        comment: comments.get(`${service.typeName}.${method.name}`) ?? "",
        isReading: method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
        takesKey: keyFieldOf(method.input) !== undefined,
      });
    }
  }
  if (unused.size > 0) throw new Error(`examples/http-json.json has what is no method: ${[...unused].join(", ")}`);
  const place = ({ service }: Operation) => (FIRST.includes(service.name) ? FIRST.indexOf(service.name) : FIRST.length);
  return { operations: operations.sort((a, b) => place(a) - place(b)), comments };
}

/** What most callers look for. */
const FIRST = ["NotificationService", "ContactService", "PreferenceService"];

/** The OpenAPI 3.1 document of the HTTP/JSON port. */
export function openApi({ operations, comments }: Api): Schema {
  const requests = messagesWithin(operations.map(({ method }) => method.input));
  const answers = messagesWithin(operations.map(({ method }) => method.output));
  const messages = [...new Set([...requests, ...answers])].sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  const services = [...new Set(operations.map(({ service }) => service))];
  return {
    openapi: "3.1.0",
    info: { title: "Carillon", version: "1", license: { name: "Apache-2.0", identifier: "Apache-2.0" }, description: ABOUT },
    servers: [{ url: "/" }],
    security: [{ apiKey: [] }],
    tags: services.map(({ name, typeName }) => ({ name, description: comments.get(typeName) ?? "" })),
    paths: Object.fromEntries(operations.map((operation) => [operation.path, pathItem(operation)])),
    components: {
      securitySchemes: { apiKey: { type: "http", scheme: "bearer", description: "An app's API key: Authorization: Bearer ck_…" } },
      parameters: { IdempotencyKey: IDEMPOTENCY_KEY, TimeoutMs: TIMEOUT_MS },
      headers: { RetryAfter: { description: "Seconds until a retry is useful.", schema: { type: "integer", minimum: 1 } } },
      responses: ERRORS,
      schemas: {
        ...Object.fromEntries(
          messages.map((message) => [
            schemaName(message),
            messageSchema(message, comments, requests.has(message) && !answers.has(message)),
          ]),
        ),
        Error: ERROR,
      },
    },
  };
}

const ABOUT = [
  "The calls of the gRPC API as JSON over HTTP/1.1, by the Connect protocol (https://connectrpc.com/docs/protocol).",
  "A request is strict: an unknown field, a key given twice or a value of another type is an error that names the field. Field names are camelCase; snake_case as in the .proto files is read, too, and errors then name fields so.",
  "In an answer a field is left out where it is empty, 0, false or UNSPECIFIED. 64-bit numbers are texts.",
  `A body is at most ${MESSAGE_BYTES_MAX / 1_048_576} MiB, and that of BatchSendNotifications ${BODY_BYTES_MAX / 1_048_576} MiB; none may be compressed.`,
  "Streams (PutBlob, ExportUser) are served over gRPC only.",
].join("\n\n");

const IDEMPOTENCY_KEY = {
  ...{ name: "Idempotency-Key", in: "header", required: false },
  description: "Stands for the request's idempotencyKey. Where both are given they must be equal.",
  schema: { type: "string", minLength: 1, maxLength: 128 },
};
const TIMEOUT_MS = {
  ...{ name: "Connect-Timeout-Ms", in: "header", required: false },
  description: "How long the caller waits, in milliseconds. The gateway works on a call for 10 s at most.",
  schema: { type: "string", pattern: "^[0-9]{1,10}$" },
};

const DETAIL_TYPES = ["google.rpc.BadRequest", "google.rpc.ErrorInfo", "google.rpc.QuotaFailure", "google.rpc.RetryInfo"];
const ERROR: Schema = {
  type: "object",
  description: "Why a call failed.",
  required: ["code", "message"],
  properties: {
    code: { type: "string", enum: Object.values(CONNECT_CODES).map(([name]) => name) },
    message: { type: "string", description: "For people. It never holds what was sent." },
    details: {
      type: "array",
      items: {
        type: "object",
        required: ["type", "value"],
        properties: {
          type: { type: "string", description: `One of ${DETAIL_TYPES.join(", ")}.` },
          value: { type: "string", contentEncoding: "base64", description: "The message as protobuf, base64 without padding." },
          debug: {
            type: "object",
            description: "The same as JSON: fieldViolations of a BadRequest, reason of an ErrorInfo, retryDelay of a RetryInfo.",
            additionalProperties: true,
          },
        },
      },
    },
  },
};

const error = (description: string, retries = false): Schema => ({
  description,
  ...(retries && { headers: { "Retry-After": { $ref: "#/components/headers/RetryAfter" } } }),
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
});
const ERRORS: Readonly<Record<string, Schema>> = {
  BadRequest: error("A field breaks a rule (BadRequest names each), or the app may not do this. Nothing was done."),
  Unauthenticated: error("No valid API key."),
  NotFound: error("There is none of this app."),
  Conflict: error("The idempotency key was used with another payload."),
  TooLarge: error("The body is larger than the method takes."),
  OtherType: error("The content-type is not application/json, or the body is compressed."),
  Exhausted: error("A limit of the app, or of the gateway, is reached. Nothing was done: repeat after Retry-After.", true),
  Failed: error("A bug in Carillon. Repeat later with the same key."),
  Unavailable: error("It may have been accepted: repeat with the same key.", true),
  Late: error("There was no answer within the deadline: repeat with the same key."),
};
const STATUSES: readonly [status: string, name: string][] = [
  ["400", "BadRequest"],
  ["401", "Unauthenticated"],
  ["404", "NotFound"],
  ["409", "Conflict"],
  ["413", "TooLarge"],
  ["415", "OtherType"],
  ["429", "Exhausted"],
  ["500", "Failed"],
  ["503", "Unavailable"],
  ["504", "Late"],
];

function pathItem({ service, method, comment, example, isReading, takesKey }: Operation): Schema {
  const shared = {
    tags: [service.name],
    summary: `${method.name}${isReading ? ", which changes nothing" : ""}`,
    description: comment,
    responses: {
      200: { description: "Done.", content: { "application/json": { schema: refTo(method.output) } } },
      ...Object.fromEntries(STATUSES.map(([status, name]) => [status, { $ref: `#/components/responses/${name}` }])),
    },
  };
  const parameters = [
    ...(takesKey ? [{ $ref: "#/components/parameters/IdempotencyKey" }] : []),
    { $ref: "#/components/parameters/TimeoutMs" },
  ];
  const query = [
    { name: "encoding", in: "query", required: true, schema: { type: "string", const: "json" } },
    {
      name: "message",
      in: "query",
      required: true,
      description: "The request.",
      content: { "application/json": { schema: refTo(method.input), example } },
    },
  ];
  return {
    post: {
      operationId: method.name,
      ...shared,
      parameters,
      requestBody: { required: true, content: { "application/json": { schema: refTo(method.input), example } } },
    },
    ...(isReading && { get: { operationId: `${method.name}ByGet`, ...shared, parameters: [...parameters, ...query] } }),
  };
}
