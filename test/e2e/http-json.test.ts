// The same request by gRPC and by JSON has the same answer: random ones, valid and broken, of every unary method.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type DescMethod, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { notificationId } from "../../adapters/ids.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { grantApiKey } from "../../operations/apps/apps.ts";
import { type CallCode, callError } from "../../runtime/call-error.ts";
import { checkJson } from "../../runtime/connect/check-json.ts";
import { errorInJsonNames } from "../../runtime/connect/field-names.ts";
import { descriptors } from "../../runtime/grpc/descriptors.ts";
import { readDetails } from "../../runtime/grpc/status.ts";
import { anyMessage, codecOf } from "../support/any-request.ts";
import { startSystem, type TestSystem } from "../support/system.ts";

const SEED = 20_261_202;
/** Random requests from the rules of the contract, most of them broken somewhere, and those that somebody would send. */
const [RANDOM, USUAL] = [300, 200];

let system: TestSystem;
let grpc: Client;
/** One app for each way, so that both find the same state. */
const keys = { grpc: "", json: "" };
before(async () => {
  system = await startSystem();
  for (const app of ["grpc", "json"] as const) keys[app] = (await grantApiKey(system.store.apps, { id: app, channels: CHANNELS })).key;
  grpc = new Client(system.gatewayAddress, credentials.createInsecure());
});
after(async () => {
  grpc?.close();
  await system?.[Symbol.asyncDispose]();
});

const methods: DescMethod[] = [...descriptors()]
  .flatMap((d) => (d.kind === "service" && d.typeName.startsWith("carillon.v1.") ? d.methods : []))
  .filter(({ methodKind }) => methodKind === "unary");
const methodOf = (name: string) => methods.find((m) => m.name === name)!;

interface Try {
  method: DescMethod;
  /** By the id of the app, which ids of notifications depend on. */
  bytes(app: string): Uint8Array;
}

/** An answer with what differs by app and moment left out, or the error with all that is told of it. */
type Outcome =
  | { ok: unknown }
  | { code: CallCode; message: string; reason: string | undefined; fields: unknown; retry: number | undefined };

async function byGrpc({ method, bytes }: Try): Promise<Outcome> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${keys.grpc}`);
  const path = `/${method.parent.typeName}/${method.name}`;
  return new Promise((resolve) => {
    const asIs = (given: Uint8Array) => Buffer.from(given);
    grpc.makeUnaryRequest(
      path,
      asIs,
      (b: Buffer) => b,
      bytes("grpc"),
      metadata,
      {},
      (error: ServiceError | null, answer?: Buffer) => {
        if (!error) return resolve({ ok: steady(toJson(method.output, fromBinary(method.output, answer!), { registry: descriptors() })) });
        const { message, reason, fields, retryAfterMs } = readDetails(error);
        resolve({ code: status[error.code] as CallCode, message: steady(message) as string, reason, fields, retry: retryAfterMs });
      },
    );
  });
}

const bodyOf = ({ method, bytes }: Try, useProtoFieldName: boolean): JsonValue =>
  toJson(method.input, fromBinary(method.input, bytes("json")), { registry: descriptors(), useProtoFieldName });

async function byJson({ method }: Try, body: JsonValue): Promise<Outcome> {
  const response = await fetch(`${system.httpUrl}/${method.parent.typeName}/${method.name}`, {
    method: "POST",
    headers: { authorization: `Bearer ${keys.json}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { code: string; message: string; details: { type: string; debug: never }[] };
  if (response.status === 200) return { ok: steady(answer) };
  const detail = (name: string): Record<string, never> | undefined =>
    answer.details.find(({ type }) => type === `google.rpc.${name}`)?.debug;
  const fields = ((detail("BadRequest")?.fieldViolations ?? []) as { field: string; reason: string; description: string }[]).map(
    ({ field, reason, description }) => ({ field, rule: reason, message: description }),
  );
  const retry = detail("RetryInfo")?.retryDelay as string | undefined;
  return {
    code: answer.code.toUpperCase() as CallCode,
    message: steady(answer.message) as string,
    reason: detail("ErrorInfo")?.reason,
    fields,
    retry: retry === undefined ? undefined : Math.round(Number.parseFloat(retry) * 1_000),
  };
}

/** Ids, times, texts that are made of them, and the app that a report of an erasure names, are one app's and one moment's. */
function steady(json: unknown): unknown {
  const text = JSON.stringify(json)
    .replaceAll(/[0-9a-f]{64}|[0-9a-f]{32}/g, "<id>")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
    .replaceAll(/\\"app\\":\\"(grpc|json)\\"/g, '\\"app\\":\\"<app>\\"')
    .replaceAll(/"http:\/\/127\.0\.0\.1:\d+\/[^"]*"/g, '"<link>"');
  return JSON.parse(text);
}

/** What the caller of gRPC reads, as it is told to whoever spells names as JSON does: unless some name of the request is spelled as in proto/. */
function spelled(outcome: Outcome, isProtoSpelling: boolean): Outcome {
  if ("ok" in outcome || isProtoSpelling) return outcome;
  const { message, fields } = errorInJsonNames(callError(outcome.code, "INTERNAL", outcome.message, { fields: outcome.fields as never }));
  return { ...outcome, message, fields };
}

// --- The requests. ---

const random = (): Try[] => {
  const each = methods.map((method) => {
    const { encode } = codecOf(method.input);
    const bytes = anyMessage(method.input).map((message) => encode(message).finish());
    return fc.sample(
      bytes.filter((b) => isExpressible(method, b)),
      { seed: SEED, numRuns: Math.ceil(RANDOM / methods.length) },
    );
  });
  return each.flatMap((samples, i) => samples.map((bytes) => ({ method: methods[i]!, bytes: () => bytes }))).slice(0, RANDOM);
};

/** JSON has no word for some of what protobuf's bytes can hold, such as a NaN in a Struct. */
function isExpressible({ input }: DescMethod, bytes: Uint8Array): boolean {
  try {
    const json = toJson(input, fromBinary(input, bytes), { registry: descriptors() });
    return Buffer.from(toBinary(input, fromJson(input, json, { registry: descriptors() }))).equals(
      Buffer.from(toBinary(input, fromBinary(input, bytes), { writeUnknownFields: false })),
    );
  } catch {
    return false;
  }
}

const user = fc.integer({ min: 0, max: 4 }).map((n) => `user-${n}`);
const key = fc.integer({ min: 0, max: 30 }).map((n) => `key-${n}`);
const category = fc.constantFrom("orders", "news", "login");
const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
const classes = fc.constantFrom("NOTIFICATION_CLASS_CRITICAL", "NOTIFICATION_CLASS_TRANSACTIONAL", "NOTIFICATION_CLASS_MARKETING");
const content = fc.constantFrom(
  { sms: { text: "Your code is 482913." } },
  { email: { subject: "Hello", text: "there" } },
  { push: { title: "Hello", body: "there", data: { order: "17" } } },
);
const recipient = fc.oneof(
  user.map((userId) => ({ userId })),
  fc.constantFrom({ endpoint: { phoneNumber: "+4915112345678" } }, { endpoint: { emailAddress: "ada@example.com" } }),
);
/** It stays as it is accepted: it is sent tomorrow. */
const notification = fc.record({
  idempotencyKey: key,
  recipient,
  notificationClass: classes,
  category,
  content,
  sendAt: fc.constant(tomorrow),
});
const subject = user.map((userId) => ({ userId }));
const choice = fc.record({ channel: fc.constantFrom("CHANNEL_EMAIL", "CHANNEL_SMS"), category });

const USUAL_REQUESTS: readonly [name: string, request: fc.Arbitrary<unknown>][] = [
  ["SendNotification", fc.record({ notification })],
  ["SendNotification", fc.record({ notification, validateOnly: fc.boolean() })],
  [
    "BatchSendNotifications",
    fc.record({ notifications: fc.array(fc.oneof(notification, fc.constant({ category: "" })), { minLength: 1, maxLength: 4 }) }),
  ],
  ["PreviewNotification", fc.record({ notification })],
  ["GetNotification", key.map((k) => (app: string) => ({ notificationId: notificationId(app, k) }))],
  [
    "RegisterContact",
    fc.record({ userId: user, endpoint: fc.integer({ min: 0, max: 9 }).map((n) => ({ emailAddress: `a${n}@example.com` })) }),
  ],
  ["ListContacts", fc.record({ userId: user })],
  ["UpdatePreferences", fc.record({ subject, optOut: fc.array(choice, { maxLength: 2 }), consent: fc.array(choice, { maxLength: 2 }) })],
  ["GetPreferences", fc.record({ subject })],
  ["ListPreferenceChanges", fc.record({ subject, pageSize: fc.integer({ min: 0, max: 9 }) })],
  [
    "CheckPreferences",
    fc.record({
      questions: fc.array(fc.record({ userId: user, channel: fc.constantFrom("CHANNEL_EMAIL", "CHANNEL_SMS"), category }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  ],
  ["PutCategory", fc.record({ category: fc.record({ name: category, order: fc.integer({ min: 0, max: 9 }) }) })],
  ["ListCategories", fc.constant({})],
  [
    "SetProfile",
    fc.record({
      userId: user,
      profile: fc.record({ locale: fc.constantFrom("en", "ko"), timeZone: fc.constantFrom("Asia/Seoul", "Mars/Base") }),
    }),
  ],
  ["GetProfile", fc.record({ userId: user })],
];
const usual = (): Try[] => {
  const any = fc.oneof(...USUAL_REQUESTS.map(([name, request]) => request.map((json) => ({ method: methodOf(name), json }))));
  return fc.sample(any, { seed: SEED, numRuns: USUAL }).map(({ method, json }) => ({
    method,
    bytes: (app) => {
      const given = typeof json === "function" ? (json as (app: string) => JsonValue)(app) : (json as JsonValue);
      return toBinary(method.input, fromJson(method.input, given));
    },
  }));
};

test(`${RANDOM + USUAL} random requests by gRPC and by JSON have the same answers and the same violations`, async (t) => {
  const counts = new Map<string, number>();
  const answered = new Set<string>();
  for (const [i, tried] of [...random(), ...usual()].entries()) {
    const body = bodyOf(tried, i % 2 === 0);
    const [expected, found] = [await byGrpc(tried), await byJson(tried, body)];
    const { isProtoSpelling } = checkJson(tried.method.input, body);
    assert.deepEqual(found, spelled(expected, isProtoSpelling), `request ${i}, ${tried.method.name}`);
    const kind = "ok" in expected ? "OK" : `${expected.code} ${expected.reason}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if ("ok" in expected) answered.add(tried.method.name);
  }
  for (const [kind, count] of [...counts].sort(([, a], [, b]) => b - a)) t.diagnostic(`${count} × ${kind}`);
  assert.equal(
    [...counts.values()].reduce((sum, count) => sum + count),
    RANDOM + USUAL,
  );
  assert.ok(counts.get("OK")! > 100 && counts.get("INVALID_ARGUMENT INVALID_FIELD")! > 100, "neither all errors nor none");
  assert.deepEqual(new Set(USUAL_REQUESTS.map(([name]) => name)).difference(answered), new Set(), "each was answered at least once");
});
