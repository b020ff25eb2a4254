// What the HTTP/JSON port reads and answers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { BadRequest, RetryInfo } from "../../gen/google/rpc/error_details.ts";
import { type Answer, fieldsOf, SERVICE, useConnectServers } from "../../test/support/connect-servers.ts";
import { callError, invalidRequest } from "../call-error.ts";

const { serve, lines } = useConnectServers();
const ID = "a".repeat(32);
const notification = {
  idempotencyKey: "key-1",
  recipient: { userId: "ada" },
  notificationClass: "NOTIFICATION_CLASS_CRITICAL",
  category: "login",
  content: { sms: { text: "hello" } },
};

test("a call with JSON is answered with JSON, in either spelling of names", async () => {
  const { call } = await serve();
  for (const body of [{ notificationId: ID }, { notification_id: ID }]) {
    const answer = await call("GetNotification", body, { headers: { "content-type": "application/json; charset=utf-8" } });
    assert.deepEqual([answer.status, answer.json], [200, { notificationId: ID }]);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("access-control-allow-origin"), null, "CORS is off");
  }
});

test("Connect's own client calls it, with JSON, with protobuf and with GET, and reads the details of an error", async () => {
  const set = readFileSync(join(import.meta.dirname, "../../gen/carillon.binpb"));
  const service = createFileRegistry(fromBinary(FileDescriptorSetSchema, set)).getService("carillon.v1.NotificationService");
  assert.ok(service);
  const gets: string[] = [];
  const documents = new Map<string, never>();
  documents.get = (path) => void gets.push(path) as undefined;
  const invalid = invalidRequest([{ field: "notification_id", rule: "string.pattern", message: "must be an id" }]);
  const { url } = await serve({ getNotification: async () => invalid }, { documents });
  const authorized: Interceptor = (next) => (request) => {
    request.header.set("authorization", "Bearer good");
    return next(request);
  };
  for (const useBinaryFormat of [false, true])
    for (const useHttpGet of [false, true]) {
      const options = { baseUrl: url, httpVersion: "1.1" as const, useBinaryFormat, useHttpGet, interceptors: [authorized] };
      const client = createClient(service, createConnectTransport(options)) as Readonly<Record<string, (request: object) => unknown>>;
      const error = await Promise.resolve(client.getNotification!({ notificationId: "x" })).then(
        () => assert.fail("it is no id"),
        (reason: unknown) => ConnectError.from(reason),
      );
      const [info, bad] = error.details as { type: string; value: Uint8Array }[];
      assert.deepEqual([error.code, info?.type, bad?.type], [Code.InvalidArgument, "google.rpc.ErrorInfo", "google.rpc.BadRequest"]);
      const fields = BadRequest.decode(bad!.value).fieldViolations.map(({ field }) => field);
      assert.deepEqual(fields, [useBinaryFormat ? "notification_id" : "notificationId"]);
      const { $typeName } = (await client.sendNotification!({ notification: {} })) as { $typeName: string };
      assert.equal($typeName, "carillon.v1.SendNotificationResponse");
    }
  assert.deepEqual(gets, [`${SERVICE}/GetNotification`, `${SERVICE}/GetNotification`]);
});

test("what changes nothing may be called with GET", async () => {
  const { call } = await serve();
  const message = encodeURIComponent(JSON.stringify({ notificationId: ID }));
  const get = (query: string) => call("GetNotification", undefined, { method: "GET", query });
  assert.deepEqual((await get(`?encoding=json&message=${message}`)).json, { notificationId: ID });
  const base64 = Buffer.from(JSON.stringify({ notificationId: ID })).toString("base64url");
  assert.deepEqual((await get(`?connect=v1&encoding=json&base64=1&message=${base64}`)).json, { notificationId: ID });
  for (const query of [
    "",
    "?encoding=json",
    `?message=${message}`,
    `?encoding=json&message=${message}&other=1`,
    "?encoding=json&base64=1&message=%20",
  ])
    assert.deepEqual([(await get(query)).status, (await get(query)).json.code], [400, "invalid_argument"], query);
  for (const [query, said] of [
    ["?encoding=json&message=%7B%22notificationId%22:%22%FF%22%7D", "the query must be percent-encoded UTF-8"],
    ["?encoding=json&message=%", "the query must be percent-encoded UTF-8"],
    [`?encoding=json&message=${message}&message=${message}`, "the query may hold each of its names once"],
  ] as const)
    assert.equal((await get(query)).json.message, said);
  const other = await call("SendNotification", undefined, { method: "GET", query: `?encoding=json&message=${message}` });
  assert.deepEqual([other.status, other.headers.get("allow")], [405, "POST"]);
});

test("an unknown field, a wrong type and a key given twice are errors that name the field, never the value", async () => {
  const { call } = await serve();
  const secret = "s3cret-482913";
  const send = (given: object) => call("SendNotification", { notification: { ...notification, ...given } });
  const cases: readonly [answer: Answer, field: string][] = [
    [await send({ bogus: secret }), "notification.bogus json.unknown_field"],
    [await send({ content: { sms: { text: { value: secret } } } }), "notification.content.sms.text json.type"],
    [await send({ channels: secret }), "notification.channels json.type"],
    [await send({ channels: ["CHANNEL_SMS", secret] }), "notification.channels[1] json.enum"],
    [await send({ ttlSeconds: 1.5 }), "notification.ttlSeconds json.number"],
    [await send({ sendAt: secret }), "notification.sendAt json.time"],
    [await send({ sendAt: "2027-02-30T00:00:00Z" }), "notification.sendAt json.time"],
    [await send({ sendAt: "2027-01-31T24:00:00Z" }), "notification.sendAt json.time"],
    [await send({ sendAt: "9999-12-31T23:59:59-01:00" }), "notification.sendAt json.time"],
    [await send({ recipient: { userId: secret, endpoint: {} } }), "notification.recipient.endpoint json.oneof"],
    [await send({ idempotency_key: secret }), "notification.idempotency_key json.duplicate_key"],
    [await send({ content: { push: { data: { [secret]: 1 } } } }), `notification.content.push.data["${secret}"] json.type`],
    [
      await call("SendNotification", `{"notification": {"category": "a", "content": {}, "category": "${secret}"}}`),
      "notification.category json.duplicate_key",
    ],
    [await call("SendNotification", [secret]), "request json.type"],
  ];
  for (const [answer, field] of cases) {
    assert.deepEqual([answer.status, answer.json.code, fieldsOf(answer)], [400, "invalid_argument", [field]]);
    if (!field.includes(secret)) assert.ok(!answer.text.includes(secret), answer.text);
  }
  assert.match((await send({ bogus: 1 })).json.message, /^notification\.bogus: is not a field; the fields are idempotencyKey, recipient, /);
});

test("what is no JSON is told where, without its text", async () => {
  const { call } = await serve();
  for (const body of [
    "",
    " ",
    "{",
    '{"notification": s3cret}',
    "\ufeff{}",
    Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d),
    `${"[".repeat(40)}${"]".repeat(40)}`,
  ]) {
    const answer = await call("SendNotification", body);
    assert.deepEqual([answer.status, answer.json.code, answer.json.details[0].debug.reason], [400, "invalid_argument", "MALFORMED"]);
    assert.ok(!answer.text.includes("s3cret"));
  }
});

test("broken rules name fields as the caller spells them", async () => {
  const { call } = await serve({
    sendNotification: async () =>
      invalidRequest([
        { field: "notification.recipient.endpoint.phone_number", rule: "r", message: "one of user_id, endpoint is required" },
        { field: 'notification.content.push.data["user_id"]', rule: "r", message: "m" },
      ]),
  });
  const camel = await call("SendNotification", { notification });
  assert.deepEqual(fieldsOf(camel), ["notification.recipient.endpoint.phoneNumber r", 'notification.content.push.data["user_id"] r']);
  assert.match(camel.json.message, /phoneNumber: one of userId, endpoint/);
  const snake = await call("SendNotification", { notification: { idempotency_key: "k" } });
  assert.equal(fieldsOf(snake)[0], "notification.recipient.endpoint.phone_number r");
});

test("a known path with another method, a type or an encoding that is not read, and an unknown path", async () => {
  const { call, seen } = await serve();
  const put = await call("SendNotification", undefined, { method: "PUT" });
  assert.deepEqual([put.status, put.headers.get("allow"), put.json.code], [405, "POST", "unimplemented"]);
  const options = await call("GetNotification", undefined, { method: "OPTIONS" });
  assert.deepEqual([options.status, options.headers.get("allow")], [405, "GET, HEAD, POST"]);
  assert.equal((await call("SendNotification", "{}", { headers: { "content-type": "text/plain" } })).status, 415);
  const zipped = await call("SendNotification", "{}", { headers: { "content-encoding": "gzip" } });
  assert.deepEqual([zipped.status, zipped.headers.get("accept-encoding")], [415, "identity"]);
  const unknown = await call("/carillon.v1.NotificationService/Nothing", {});
  assert.deepEqual([unknown.status, unknown.json.code], [404, "unimplemented"]);
  assert.equal((await call(`${SERVICE}/SendNotification/`, {})).status, 404);
  assert.deepEqual(seen, ["method", "method", "type", "type", "path", "path"]);
});

test("each code has its HTTP status, and what can be repeated says when", async () => {
  const error = callError("RESOURCE_EXHAUSTED", "RATE_LIMITED", "too fast", {
    retryAfterMs: 1_500,
    quota: { subject: "app", description: "d" },
  });
  const { call } = await serve({
    sendNotification: async () => error,
    getNotification: async () => callError("NOT_FOUND", "NOT_FOUND", "none"),
  });
  const { status, headers, json } = await call("SendNotification", {});
  assert.deepEqual([status, json.code, headers.get("retry-after")], [429, "resource_exhausted", "2"]);
  const [retry, quota, info] = json.details;
  assert.deepEqual([retry.type, retry.debug], ["google.rpc.RetryInfo", { retryDelay: "1.5s" }]);
  assert.deepEqual(RetryInfo.decode(Buffer.from(retry.value, "base64")).retryDelay, { seconds: 1, nanos: 500_000_000 });
  assert.deepEqual(quota.debug, { violations: [{ subject: "app", description: "d" }] });
  assert.deepEqual(info.debug, { reason: "RATE_LIMITED", domain: "carillon" });
  assert.equal((await call("GetNotification", { notificationId: ID })).status, 404);
});

test("the header Idempotency-Key stands for the field, and must not differ from it", async () => {
  const keys: string[] = [];
  const { call } = await serve({
    sendNotification: async ({ notification: given }) => {
      keys.push(given?.idempotencyKey ?? "none");
      return { accepted: undefined };
    },
  });
  const { idempotencyKey: _, ...without } = notification;
  const send = (given: object, key: string) => call("SendNotification", { notification: given }, { headers: { "idempotency-key": key } });
  await send(without, "key-2");
  await send(without, '"key-3"');
  await send(notification, "key-1");
  assert.deepEqual(keys, ["key-2", "key-3", "key-1"]);
  const conflict = await send(notification, "another");
  assert.deepEqual([conflict.status, fieldsOf(conflict)], [400, ["notification.idempotencyKey idempotency_key.header"]]);
  for (const [method, body] of [
    ["GetNotification", { notificationId: ID }],
    ["ListNotifications", {}],
    ["CancelNotifications", {}],
  ] as const) {
    const none = await call(method, body, { headers: { "idempotency-key": "key" } });
    assert.deepEqual([none.status, none.json.message], [400, "this method takes no Idempotency-Key: leave the header out"], method);
  }
  assert.equal(keys.length, 3);
});

test("a caller's time bounds the call, and a bug is answered without its text", async () => {
  const { call } = await serve({
    sendNotification: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    getNotification: async () => {
      throw new Error("s3cret");
    },
  });
  const late = await call("SendNotification", {}, { headers: { "connect-timeout-ms": "20" } });
  assert.deepEqual([late.status, late.json.code], [504, "deadline_exceeded"]);
  assert.equal((await call("SendNotification", {}, { headers: { "connect-timeout-ms": "soon" } })).status, 400);
  assert.equal((await call("SendNotification", {}, { headers: { "connect-protocol-version": "2" } })).status, 400);
  const bug = await call("GetNotification", { notificationId: ID });
  assert.deepEqual([bug.status, bug.json.code], [500, "internal"]);
  assert.ok(!bug.text.includes("s3cret"));
  assert.ok(lines.some((line) => line.includes("call failed with an unexpected error")));
});
