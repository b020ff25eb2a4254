import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, test } from "node:test";
import {
  ATTEMPT,
  DELIVERY,
  envOf,
  http1,
  http2,
  nowSeconds,
  openHttp2,
  type RawAnswer,
  signJwt,
  startTestSandbox,
} from "../../test/support/raw-client.ts";
import { fieldsOf, listOf, parseJson, textOf } from "../kit/read.ts";
import type { Sandbox } from "../main.ts";

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
let sandbox: Sandbox;
let account: Record<string, unknown>;
let accessToken: string;

before(async () => {
  sandbox = await startTestSandbox();
  account = fieldsOf(parseJson(envOf(sandbox, "FCM_SERVICE_ACCOUNT_FILE")));
  accessToken = textOf(fieldsOf((await exchange()).json).access_token);
});
after(() => sandbox[Symbol.asyncDispose]());

const claims = () => ({
  iss: account.client_email,
  aud: envOf(sandbox, "FCM_TOKEN_URL"),
  scope: SCOPE,
  iat: nowSeconds(),
  exp: nowSeconds() + 3_600,
});
const exchange = (
  change: Record<string, unknown> = {},
  pem = textOf(account.private_key),
  grant = "urn:ietf:params:oauth:grant-type:jwt-bearer",
) =>
  http1(sandbox, envOf(sandbox, "FCM_TOKEN_URL"), {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ grant_type: grant, assertion: signJwt(pem, { typ: "JWT" }, { ...claims(), ...change }) }).toString(),
  });
const url = (project = textOf(account.project_id)) => `${envOf(sandbox, "FCM_ORIGIN")}/v1/projects/${project}/messages:send`;
const message = (token: string, more: Record<string, unknown> = {}) => ({
  message: { token, notification: { title: "t", body: "b" }, data: { carillon_delivery: DELIVERY, carillon_attempt: ATTEMPT }, ...more },
});
const send = (body: unknown, to = url(), token = accessToken) =>
  http1(sandbox, to, { headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: JSON.stringify(body) });
const answer = ({ status, json }: RawAnswer) => {
  const error = fieldsOf(fieldsOf(json).error);
  const code = listOf(error.details)
    .map((detail) => textOf(fieldsOf(detail).errorCode))
    .find((text) => text !== "");
  return `${status} ${textOf(error.status)} ${code ?? "-"}`;
};

test("an assertion signed by the service account gives a token, an invalid one does not", async () => {
  const good = fieldsOf((await exchange({ aud: "https://oauth2.googleapis.com/token" })).json);
  assert.equal(good.token_type, "Bearer");
  assert.equal(good.expires_in, 3_599);
  const foreignPem = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const rejections: [RawAnswer, string][] = [
    [await exchange({}, foreignPem), "invalid_grant"],
    [await exchange({ iss: "other@example.com" }), "invalid_grant"],
    [await exchange({ aud: "https://example.com/token" }), "invalid_grant"],
    [await exchange({ iat: nowSeconds() - 7_200, exp: nowSeconds() - 3_600 }), "invalid_grant"],
    [await exchange({ exp: nowSeconds() + 7_200 }), "invalid_grant"],
    [await exchange({ scope: "https://www.googleapis.com/auth/drive" }), "invalid_scope"],
    [await exchange({}, undefined, "password"), "unsupported_grant_type"],
  ];
  for (const [given, error] of rejections) assert.deepEqual([given.status, fieldsOf(given.json).error], [400, error]);
});

test("a message is accepted over HTTP/1.1 and over HTTP/2, each with an entry in the ledger", async () => {
  sandbox.ledger.clear();
  const given = await send(message("device-1"));
  assert.equal(given.status, 200);
  assert.match(textOf(fieldsOf(given.json).name), /^projects\/carillon-sandbox\/messages\/\S+$/);
  using line = openHttp2(sandbox, envOf(sandbox, "FCM_ORIGIN"));
  const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json" };
  const second = await http2(line.session, new URL(url()).pathname, { headers, body: JSON.stringify(message("device-1")) });
  assert.equal(second.status, 200);
  const entries = sandbox.ledger.entries({ deliveryId: DELIVERY, provider: "fcm" });
  assert.deepEqual(
    entries.map((e) => [e.attemptId, e.recipient, e.accepted]),
    [
      [ATTEMPT, "device-1", true],
      [ATTEMPT, "device-1", true],
    ],
  );
  assert.deepEqual(sandbox.ledger.summary().duplicates, { [DELIVERY]: 2 });
});

test("answers carry the status and FcmError code Google documents", async () => {
  const cases: [string, Promise<RawAnswer>][] = [
    ["401 UNAUTHENTICATED -", send(message("d"), url(), "ya29.unknown")],
    ["404 NOT_FOUND -", send(message("d"), url("another-project"))],
    ["404 NOT_FOUND -", send(message("d"), `${url()}s`)],
    ["404 NOT_FOUND UNREGISTERED", send(message("unregistered-1"))],
    ["403 PERMISSION_DENIED SENDER_ID_MISMATCH", send(message("mismatch-1"))],
    ["400 INVALID_ARGUMENT INVALID_ARGUMENT", send(message("invalid-1"))],
    ["400 INVALID_ARGUMENT INVALID_ARGUMENT", send({})],
    ["400 INVALID_ARGUMENT INVALID_ARGUMENT", send(message("d", { topic: "news" }))],
    ["400 INVALID_ARGUMENT -", send(message("d", { data: { n: 1 } }))],
    ["400 INVALID_ARGUMENT INVALID_ARGUMENT", send(message("d", { data: { google_x: "1" } }))],
    ["400 INVALID_ARGUMENT INVALID_ARGUMENT", send(message("d", { data: { text: "x".repeat(4_096) } }))],
    ["400 INVALID_ARGUMENT INVALID_ARGUMENT", send(message("d", { android: { ttl: "3000000s" } }))],
  ];
  for (const [expected, given] of cases) assert.equal(answer(await given), expected);
  const violation = fieldsOf(listOf(fieldsOf(fieldsOf((await send(message("invalid-2"))).json).error).details)[1]);
  assert.equal(fieldsOf(listOf(violation.fieldViolations)[0]).field, "message.token");
});

test("flaky and quota tokens fail once for each delivery", async () => {
  assert.equal(answer(await send(message("flaky-1"))), "503 UNAVAILABLE UNAVAILABLE");
  assert.equal((await send(message("flaky-1"))).status, 200);
  const throttled = await send(message("quota-1"));
  assert.equal(answer(throttled), "429 RESOURCE_EXHAUSTED QUOTA_EXCEEDED");
  assert.equal(throttled.headers["retry-after"], "1");
  assert.equal((await send(message("quota-1"))).status, 200);
});

test("validate_only is answered but not accepted", async () => {
  sandbox.ledger.clear();
  assert.equal((await send({ ...message("d"), validate_only: true })).status, 200);
  assert.deepEqual(sandbox.ledger.summary().providers.fcm, { accepted: 0, rejected: 1 });
});

test("a revoked token is unknown, and faults can be ordered for the exchange", async () => {
  const token = textOf(fieldsOf((await exchange()).json).access_token);
  const issued = sandbox.accessTokensIssued();
  sandbox.revokeAccessTokens();
  assert.equal(answer(await send(message("d"), url(), token)), "401 UNAUTHENTICATED -");
  sandbox.faults.order({ provider: "oauth", do: { kind: "answer", status: 503 } });
  assert.equal((await exchange()).status, 503);
  assert.equal(sandbox.accessTokensIssued(), issued);
  assert.equal((await exchange()).status, 200);
});
