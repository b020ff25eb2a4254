import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import webpush from "web-push";
import {
  ATTEMPT,
  DELIVERY,
  envOf,
  http1,
  nowSeconds,
  type RawAnswer,
  type RawRequest,
  startTestSandbox,
} from "../../test/support/raw-client.ts";
import { fieldsOf } from "../kit/read.ts";
import type { Sandbox } from "../main.ts";

const PAYLOAD = { title: "Gruß", body: "b", data: { n: "1" }, carillon: { delivery: DELIVERY, attempt: ATTEMPT } };

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
after(() => sandbox[Symbol.asyncDispose]());

interface Change {
  vapid?: { publicKey: string; privateKey: string };
  audience?: string;
  expiration?: number;
  subject?: string;
  keysOf?: string;
  headers?: Record<string, string | undefined>;
  method?: string;
  body?: Buffer;
}

/** Encrypted and signed by the web-push package, sent bare so that a header can be left out or spoilt. */
function push(name: string, payload: string, change: Change = {}): Promise<RawAnswer> {
  const { pushUrl } = sandbox.webPushSubscription(name);
  const { p256dh, auth } = sandbox.webPushSubscription(change.keysOf ?? name);
  const vapid = change.vapid ?? {
    publicKey: envOf(sandbox, "WEBPUSH_VAPID_PUBLIC_KEY"),
    privateKey: envOf(sandbox, "WEBPUSH_VAPID_PRIVATE_KEY_FILE"),
  };
  const details = webpush.generateRequestDetails({ endpoint: pushUrl, keys: { p256dh, auth } }, payload, { TTL: 60 });
  const { Authorization } = webpush.getVapidHeaders(
    change.audience ?? new URL(pushUrl).origin,
    change.subject ?? envOf(sandbox, "WEBPUSH_VAPID_SUBJECT"),
    vapid.publicKey,
    vapid.privateKey,
    "aes128gcm",
    change.expiration,
  );
  const headers = Object.entries({ ...details.headers, Authorization, ...change.headers }).filter(([, value]) => value !== undefined);
  const request: RawRequest = {
    method: change.method,
    headers: Object.fromEntries(headers.filter(([key]) => key !== "Content-Length").map(([key, value]) => [key, String(value)])),
    body: change.body ?? details.body ?? undefined,
  };
  return http1(sandbox, pushUrl, request);
}
const answer = ({ status, json }: RawAnswer) => `${status} ${fieldsOf(json).errno ?? ""}`.trim();

test("an encrypted push is answered 201 with its location, and the ledger holds its content", async () => {
  sandbox.ledger.clear();
  const given = await push("phone", JSON.stringify(PAYLOAD), { headers: { Topic: "t1", Urgency: "high" } });
  assert.equal(given.status, 201);
  assert.match(given.headers.location ?? "", /^https:\/\/127\.0\.0\.1:\d+\/m\/\S+$/);
  assert.equal(given.headers.ttl, "60");
  const [entry] = sandbox.ledger.entries({ provider: "webpush" });
  assert.deepEqual(entry?.payload, PAYLOAD);
  assert.equal(entry?.recipient, sandbox.webPushSubscription("phone").pushUrl);
  assert.equal(entry?.deliveryId, DELIVERY);
  assert.equal(entry?.accepted, true);
});

test("VAPID is checked: presence, key, signature, audience, expiry and subject", async () => {
  const other = webpush.generateVAPIDKeys();
  const publicKey = envOf(sandbox, "WEBPUSH_VAPID_PUBLIC_KEY");
  const cases: [string, Change][] = [
    ["401 109", { headers: { Authorization: undefined } }],
    ["401 109", { headers: { Authorization: "vapid t=x, k=y" } }],
    ["403 109", { vapid: other }],
    ["403 109", { vapid: { publicKey, privateKey: other.privateKey } }],
    ["403 109", { audience: "https://example.com" }],
    ["403 109", { expiration: nowSeconds() - 10 }],
  ];
  for (const [expected, change] of cases) assert.equal(answer(await push("phone", "{}", change)), expected);
});

test("headers and body are rejected with Mozilla's error numbers", async () => {
  const cases: [string, Change][] = [
    ["400 111", { headers: { TTL: undefined } }],
    ["400 112", { headers: { TTL: "60s" } }],
    ["400 112", { headers: { TTL: "-1" } }],
    ["400 110", { headers: { Urgency: "urgent" } }],
    ["400 113", { headers: { Topic: "a.b" } }],
    ["400 113", { headers: { Topic: "x".repeat(33) } }],
    ["400 110", { headers: { "Content-Encoding": "aesgcm" } }],
    ["400 110", { keysOf: "another-subscription" }],
    ["400 110", { body: Buffer.from("plain text") }],
    ["413 104", { body: Buffer.alloc(4_097) }],
    ["405 999", { method: "PUT" }],
  ];
  for (const [expected, change] of cases) assert.equal(answer(await push("phone", "{}", change)), expected);
  const fits = JSON.stringify("x".repeat(3_991));
  assert.equal((await push("phone", fits)).status, 201, "3993 bytes of text are 4096 of body");
});

const declared = (notification: unknown, more = {}) => ({ web_push: 8030, notification, ...more });
const SHOWN = { title: "t", navigate: "https://shop.example/7" };
const ACTION = { action: "a", title: "t", navigate: "https://shop.example/7" };

test("a declarative message as the Push API describes it is accepted, and kept whole", async () => {
  const full = {
    ...{
      ...SHOWN,
      body: "b",
      dir: "rtl",
      lang: "ar",
      tag: "o7",
      icon: "https://i.example/i.png",
      image: "https://i.example/i",
      badge: "https://i.example/b",
      vibrate: [50],
    },
    ...{ timestamp: 1_790_000_000_000, renotify: true, silent: false, requireInteraction: true, data: { own: [1, null] } },
    actions: [{ action: "track", title: "Track", navigate: "https://shop.example/track", icon: "https://i.example/t.png" }],
  };
  for (const payload of [
    declared(SHOWN),
    declared(full, { app_badge: 0, mutable: true, carillon: { delivery: DELIVERY } }),
    { title: "plain" },
  ]) {
    sandbox.ledger.clear();
    const given = await push("phone", JSON.stringify(payload));
    assert.equal(given.status, 201, given.text);
    assert.deepEqual(sandbox.ledger.entries()[0]?.payload, payload);
  }
});

test("a declarative message that a browser would not show is rejected, with what is wrong", async () => {
  const cases: [mistake: string, payload: unknown][] = [
    ["web_push: one of 8030", { ...declared(SHOWN), web_push: 8031 }],
    ["web_push takes integer, not string", { ...declared(SHOWN), web_push: "8030" }],
    ["notification is missing", { web_push: 8030, app_badge: 1 }],
    ["notification.navigate is missing", declared({ title: "t" })],
    ["notification.title takes string, not integer", declared({ ...SHOWN, title: 1 })],
    ["notification.navigate: an absolute URL", declared({ ...SHOWN, navigate: "" })],
    ["notification.icon: an absolute URL", declared({ ...SHOWN, icon: "/i.png" })],
    ["notification.actions.0.icon: an absolute URL", declared({ ...SHOWN, actions: [{ ...ACTION, icon: "i.png" }] })],
    ["notification.dir: one of auto, ltr, rtl", declared({ ...SHOWN, dir: "up" })],
    ["notification.lang: a language tag", declared({ ...SHOWN, lang: "de_AT" })],
    ["notification.silent takes boolean, not integer", declared({ ...SHOWN, silent: 1 })],
    ["notification: renotify needs a tag", declared({ ...SHOWN, renotify: true })],
    ["notification: what is silent does not vibrate", declared({ ...SHOWN, silent: true, vibrate: [1] })],
    ["notification.actions.0.navigate is missing", declared({ ...SHOWN, actions: [{ action: "a", title: "t" }] })],
    ["app_badge: from 0", declared(SHOWN, { app_badge: -1 })],
    ["mutable takes boolean, not string", declared(SHOWN, { mutable: "true" })],
  ];
  for (const [mistake, payload] of cases) {
    const given = await push("phone", JSON.stringify(payload));
    assert.equal(`${answer(given)} ${fieldsOf(given.json).message}`, `400 110 ${mistake}`);
  }
});

test("subscriptions are gone, unknown, throttled or flaky by name", async () => {
  const text = JSON.stringify(PAYLOAD);
  assert.equal(answer(await push("gone-1", text)), "410 106");
  assert.equal(answer(await push("unknown-1", text)), "404 102");
  assert.equal(answer(await push("oldkey-1", text)), "403 109");
  const throttled = await push("throttled-1", text);
  assert.equal(throttled.status, 429);
  assert.equal(throttled.headers["retry-after"], "1");
  assert.equal((await push("throttled-1", text)).status, 201);
  assert.equal(answer(await push("flaky-1", text)), "503 201");
  assert.equal((await push("flaky-1", text)).status, 201);
});
