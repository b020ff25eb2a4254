import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { ClientHttp2Session } from "node:http2";
import { after, before, test } from "node:test";
import {
  ATTEMPT,
  DELIVERY,
  envOf,
  http2,
  nowSeconds,
  openHttp2,
  type RawAnswer,
  type RawRequest,
  signJwt,
  startTestSandbox,
} from "../../test/support/raw-client.ts";
import type { Sandbox } from "../main.ts";
import { TOKENS_MAX } from "./token.ts";

const DEVICE = "ab".repeat(32);
const BODY = JSON.stringify({ aps: { alert: { title: "t", body: "b" } }, carillon: { delivery: DELIVERY, attempt: ATTEMPT } });
const FOREIGN_KEY = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }).toString();

let sandbox: Sandbox;
let connection: ReturnType<typeof openHttp2>;
let session: ClientHttp2Session;
let good: Record<string, string>;

before(async () => {
  sandbox = await startTestSandbox();
  connection = openHttp2(sandbox, envOf(sandbox, "APNS_ORIGIN"));
  session = connection.session;
  good = { authorization: bearer(), "apns-topic": envOf(sandbox, "APNS_TOPIC"), "apns-push-type": "alert" };
});
after(async () => {
  connection[Symbol.dispose]();
  await sandbox[Symbol.asyncDispose]();
});

const bearer = (change: { pem?: string; kid?: string; iss?: string; iat?: number } = {}) => {
  const {
    pem = envOf(sandbox, "APNS_KEY_FILE"),
    kid = envOf(sandbox, "APNS_KEY_ID"),
    iss = envOf(sandbox, "APNS_TEAM_ID"),
    iat = nowSeconds(),
  } = change;
  return `bearer ${signJwt(pem, { kid }, { iss, iat })}`;
};
const push = (device: string, request: RawRequest = {}): Promise<RawAnswer> =>
  http2(session, `/3/device/${device}`, { body: BODY, ...request, headers: { ...good, ...request.headers } });
const bodyOf = (bytes: number) => {
  const body = { aps: { alert: "b" }, a: "" };
  return JSON.stringify({ ...body, a: "x".repeat(bytes - JSON.stringify(body).length) });
};
const answer = (given: RawAnswer) => `${given.status} ${(given.json as { reason?: string })?.reason ?? ""}`.trim();

test("a valid push is answered 200 with its apns-id and is in the ledger once", async () => {
  sandbox.ledger.clear();
  const id = "123e4567-e89b-42d3-a456-426614174000";
  const given = await push(DEVICE, { headers: { "apns-id": id, "apns-collapse-id": "c", "apns-expiration": "0", "apns-priority": "5" } });
  assert.equal(given.status, 200);
  assert.equal(given.headers["apns-id"], id);
  assert.equal(given.text, "");
  const [entry, ...others] = sandbox.ledger.entries();
  assert.deepEqual(others, []);
  assert.equal(entry?.deliveryId, DELIVERY);
  assert.equal(entry?.attemptId, ATTEMPT);
  assert.equal(entry?.recipient, DEVICE);
  assert.equal(entry?.accepted, true);
  assert.equal(entry?.answer, "200");
  assert.deepEqual(entry?.payload, JSON.parse(BODY));
  assert.equal(entry?.headers["apns-collapse-id"], "c");
  assert.match(entry?.headers.authorization ?? "", /^bearer sha256:[0-9a-f]{16}$/);
});

test("the provider token is checked", async () => {
  const cases: [string, string][] = [
    ["", "403 MissingProviderToken"],
    ["bearer rubbish", "403 InvalidProviderToken"],
    [bearer({ pem: FOREIGN_KEY }), "403 InvalidProviderToken"],
    [bearer({ kid: "OTHERKEY01" }), "403 InvalidProviderToken"],
    [bearer({ iss: "OTHERTEAM1" }), "403 InvalidProviderToken"],
    [bearer({ iat: nowSeconds() + 600 }), "403 InvalidProviderToken"],
    [bearer({ iat: nowSeconds() - 3_700 }), "403 ExpiredProviderToken"],
  ];
  for (const [authorization, expected] of cases) assert.equal(answer(await push(DEVICE, { headers: { authorization } })), expected);
});

test("method, path, headers, payload and device token are rejected with Apple's reasons", async () => {
  const cases: [string, string, RawRequest][] = [
    ["405 MethodNotAllowed", DEVICE, { method: "PUT" }],
    ["400 MissingTopic", DEVICE, { headers: { "apns-topic": "" } }],
    ["400 TopicDisallowed", DEVICE, { headers: { "apns-topic": "com.example.other" } }],
    ["400 TopicDisallowed", DEVICE, { headers: { "apns-push-type": "voip" } }],
    ["400 InvalidPushType", DEVICE, { headers: { "apns-push-type": "shout" } }],
    ["400 BadMessageId", DEVICE, { headers: { "apns-id": "1" } }],
    ["400 BadExpirationDate", DEVICE, { headers: { "apns-expiration": "soon" } }],
    ["400 BadPriority", DEVICE, { headers: { "apns-priority": "7" } }],
    ["400 BadPriority", DEVICE, { headers: { "apns-push-type": "background" } }],
    ["400 BadCollapseId", DEVICE, { headers: { "apns-collapse-id": "x".repeat(65) } }],
    ["400 PayloadEmpty", DEVICE, { body: "" }],
    ["413 PayloadTooLarge", DEVICE, { body: bodyOf(4_097) }],
    ["413 PayloadTooLarge", DEVICE, { body: "x".repeat(100_000) }],
    ["400 MissingDeviceToken", "", {}],
    ["400 BadDeviceToken", "not-hex", {}],
    ["400 BadDeviceToken", `${"ab".repeat(30)}bad0`, {}],
    ["400 DeviceTokenNotForTopic", `${"ab".repeat(30)}bad1`, {}],
    ["400 DeviceTokenNotForTopic", `${"ab".repeat(30)}c0c2`, {}],
    ["400 DeviceTokenNotForTopic", `${"ab".repeat(30)}c0c3`, {}],
    ["400 DeviceTokenNotForTopic", DEVICE, { headers: { ...good, "apns-topic": `${good["apns-topic"]}.voip`, "apns-push-type": "voip" } }],
  ];
  for (const [expected, device, request] of cases) assert.equal(answer(await push(device, request)), expected);
  assert.equal(answer(await http2(session, "/4/device", { headers: good, body: BODY })), "404 BadPath");
  assert.equal((await push(DEVICE, { body: bodyOf(4_096) })).status, 200, "4096 bytes pass");
});

test("a token ending in dead is unregistered, with a timestamp", async () => {
  const given = await push(`${"ab".repeat(30)}DEAD`);
  assert.equal(answer(given), "410 Unregistered");
  const { timestamp } = given.json as { timestamp: number };
  assert.ok(Math.abs(Date.now() - timestamp) < 60_000, "milliseconds since the epoch");
});

test("a token ending in 0503 is rejected once for each delivery", async () => {
  const device = `${"ab".repeat(30)}0503`;
  const other = BODY.replaceAll(DELIVERY, "f".repeat(32));
  assert.equal(answer(await push(device)), "503 ServiceUnavailable");
  assert.equal((await push(device)).status, 200);
  assert.equal(answer(await push(device, { body: other })), "503 ServiceUnavailable");
});

test("a new connection may open one stream, and many after a valid token", async () => {
  using fresh = openHttp2(sandbox, envOf(sandbox, "APNS_ORIGIN"));
  const settings = () =>
    new Promise<number | undefined>((resolve) => fresh.session.once("remoteSettings", (s) => resolve(s.maxConcurrentStreams)));
  assert.equal(await settings(), 1);
  const raised = settings();
  assert.equal((await http2(fresh.session, `/3/device/${DEVICE}`, { headers: good, body: BODY })).status, 200);
  assert.equal(await raised, 1_000);
});

test("too many new provider tokens are rejected, the known ones are not", async () => {
  await using own = await startTestSandbox();
  using line = openHttp2(own, envOf(own, "APNS_ORIGIN"));
  const sendWith = (iat: number) => {
    const authorization = `bearer ${signJwt(envOf(own, "APNS_KEY_FILE"), { kid: envOf(own, "APNS_KEY_ID") }, { iss: envOf(own, "APNS_TEAM_ID"), iat })}`;
    return { authorization, send: () => http2(line.session, `/3/device/${DEVICE}`, { headers: { ...good, authorization }, body: BODY }) };
  };
  const first = sendWith(nowSeconds());
  for (let n = 0; n < TOKENS_MAX; n += 1) assert.equal((await (n === 0 ? first : sendWith(nowSeconds() - n)).send()).status, 200);
  assert.equal(answer(await sendWith(nowSeconds() - 100).send()), "429 TooManyProviderTokenUpdates");
  assert.equal((await first.send()).status, 200);
});

test("a provider token is rejected an hour after it was issued", async () => {
  let now = Date.now();
  await using own = await startTestSandbox({ now: () => now });
  using line = openHttp2(own, envOf(own, "APNS_ORIGIN"));
  const authorization = `bearer ${signJwt(envOf(own, "APNS_KEY_FILE"), { kid: envOf(own, "APNS_KEY_ID") }, { iss: envOf(own, "APNS_TEAM_ID"), iat: nowSeconds() })}`;
  const send = () => http2(line.session, `/3/device/${DEVICE}`, { headers: { ...good, authorization }, body: BODY });
  assert.equal((await send()).status, 200);
  now += 3_601_000;
  assert.equal(answer(await send()), "403 ExpiredProviderToken");
});
