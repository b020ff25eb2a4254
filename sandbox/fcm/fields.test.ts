import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { envOf, http1, nowSeconds, signJwt, startTestSandbox } from "../../test/support/raw-client.ts";
import { fieldsOf, listOf, parseJson, textOf } from "../kit/read.ts";
import type { Sandbox } from "../main.ts";

let sandbox: Sandbox;
let authorization: string;
let url: string;
before(async () => {
  sandbox = await startTestSandbox();
  const account = fieldsOf(parseJson(envOf(sandbox, "FCM_SERVICE_ACCOUNT_FILE")));
  const tokenUrl = envOf(sandbox, "FCM_TOKEN_URL");
  const [iat, scope] = [nowSeconds(), "https://www.googleapis.com/auth/firebase.messaging"];
  const assertion = signJwt(textOf(account.private_key), {}, { iss: account.client_email, aud: tokenUrl, scope, iat, exp: iat + 3_600 });
  const form = new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion });
  const { json } = await http1(sandbox, tokenUrl, { body: form.toString() });
  authorization = `Bearer ${fieldsOf(json).access_token}`;
  url = `${envOf(sandbox, "FCM_ORIGIN")}/v1/projects/${account.project_id}/messages:send`;
});
after(() => sandbox[Symbol.asyncDispose]());

const send = (body: unknown) =>
  http1(sandbox, url, { headers: { authorization, "content-type": "application/json" }, body: JSON.stringify(body) });

const GOOD: Record<string, unknown>[] = [
  { token: "t", notification: { title: "Order 7", body: "is ready", image: "https://img.example/7.png" } },
  { fid: "cIfQ", data: { order: "7", nothing: "" }, android: { priority: "high", ttl: "0s" } },
  {
    token: "t",
    data: { a: "1" },
    android: { priority: "NORMAL", ttl: "86400.5s", collapse_key: "orders", restricted_package_name: "app.shop" },
  },
  { topic: "weather.de-BY", notification: { title: "Rain" }, fcm_options: { analytics_label: "rain-1" } },
  { condition: "'a' in topics && 'b' in topics", notification: { title: "t" }, name: null, webpush: null },
  {
    token: "t",
    android: {
      ...{ directBootOk: true, bandwidthConstrainedOk: false, restricted_satellite_ok: true, data: { only: "android" } },
      notification: {
        ...{
          title: "t",
          body: "b",
          icon: "bell",
          color: "#1A2b3C",
          sound: "bell.ogg",
          tag: "o7",
          clickAction: "OPEN",
          image: "https://i.example/1",
        },
        ...{ bodyLocKey: "K", body_loc_args: ["1"], title_loc_key: "T", titleLocArgs: [], channelId: "orders", ticker: "t", sticky: false },
        ...{ eventTime: "2026-05-05T10:00:00.123Z", local_only: true, notificationPriority: "PRIORITY_MAX", default_sound: true },
        ...{ defaultVibrateTimings: false, vibrate_timings: ["0s", "0.2s"], visibility: "PRIVATE", notification_count: 0, proxy: "DENY" },
        lightSettings: { color: { red: 1, green: 0.5, blue: 0 }, lightOnDuration: "1s", light_off_duration: "0.5s" },
      },
      fcmOptions: { analyticsLabel: "a" },
    },
  },
  {
    token: "t",
    webpush: {
      headers: { TTL: "60", Urgency: "very-low", Topic: "o7" },
      data: { a: "b" },
      notification: {
        ...{ title: "t", body: "b", icon: "/bell.png", dir: "auto", lang: "de-AT", tag: "o7", renotify: true, requireInteraction: true },
        ...{
          timestamp: 1_790_000_000_000,
          vibrate: [100, 50],
          data: { any: [1] },
          actions: [{ action: "track", title: "Track", icon: "/t.png" }],
        },
      },
      fcm_options: { link: "https://shop.example/o/7", analytics_label: "w" },
    },
  },
  {
    token: "t",
    notification: { title: "t" },
    apns: { headers: { "apns-priority": "5", "apns-collapse-id": "c" }, payload: { aps: { badge: 0 }, id: 7 } },
  },
  { token: "t", apns: { headers: { "apns-push-type": "background", "apns-priority": "5" }, payload: { aps: { "content-available": 1 } } } },
  {
    token: "t",
    apns: {
      ...{
        liveActivityToken: "ab12",
        headers: { "apns-push-type": "liveactivity" },
        fcmOptions: { image: "https://i.example/1", analyticsLabel: "l" },
      },
      payload: { aps: { timestamp: 1_790_000_000, event: "update", "content-state": { eta: 3 } } },
    },
  },
];

test("messages as Google documents them are accepted in both spellings, and kept whole", async () => {
  for (const message of GOOD) {
    sandbox.ledger.clear();
    const given = await send({ message });
    assert.equal(given.status, 200, given.text);
    assert.deepEqual(sandbox.ledger.entries()[0]?.payload, { message });
  }
  assert.equal((await send({ validateOnly: true, message: GOOD[0] })).status, 200);
  assert.deepEqual(sandbox.ledger.entries().at(-1)?.accepted, false);
});

async function violations(body: unknown): Promise<{ fields: string[]; codes: string[]; message: string }> {
  const { status, json } = await send(body);
  const error = fieldsOf(fieldsOf(json).error);
  assert.deepEqual([status, error.code, error.status], [400, 400, "INVALID_ARGUMENT"], JSON.stringify(json));
  const details = listOf(error.details).map(fieldsOf);
  const fields = details.flatMap((detail) => listOf(detail.fieldViolations)).map((violation) => textOf(fieldsOf(violation).field));
  return {
    fields,
    codes: details.flatMap((detail) => (detail.errorCode === undefined ? [] : [textOf(detail.errorCode)])),
    message: textOf(error.message),
  };
}

const to = (more: Record<string, unknown>) => ({ token: "t", ...more });
const shown = (notification: Record<string, unknown>) => to({ android: { notification } });

/** Rejected by the JSON parser: no FcmError. */
const MALFORMED: [field: string, message: unknown][] = [
  ["message.notification", to({ notification: { titel: "t" } })],
  ["message", to({ notifications: {} })],
  ["message", to({ notification: ["t"] })],
  ["message.data[1].value", to({ data: { a: "1", b: 2 } })],
  ["message.android.data[0].value", to({ android: { data: { a: true } } })],
  ["message.notification.title", to({ notification: { title: 7 } })],
  ["message.android", to({ android: { Priority: "high" } })],
  ["message.android.priority", to({ android: { priority: "urgent" } })],
  ["message.android.ttl", to({ android: { ttl: 60 } })],
  ["message.android.ttl", to({ android: { ttl: "60" } })],
  ["message.android.direct_boot_ok", to({ android: { directBootOk: "true" } })],
  ["message.android.notification", shown({ badge: 1 })],
  ["message.android.notification.notification_count", shown({ notificationCount: 1.5 })],
  ["message.android.notification.visibility", shown({ visibility: "private" })],
  ["message.android.notification.notification_priority", shown({ notification_priority: "HIGH" })],
  ["message.android.notification.event_time", shown({ event_time: "yesterday" })],
  ["message.android.notification.event_time", shown({ event_time: "2026-04-31T10:00:00Z" })],
  ["message.android.notification.vibrate_timings[1]", shown({ vibrate_timings: ["0s", 200] })],
  ["message.android.notification.body_loc_args[0]", shown({ body_loc_args: [1] })],
  ["message.android.notification.light_settings.color.red", shown({ light_settings: { color: { red: "1" } } })],
  ["message.webpush.headers[0].value", to({ webpush: { headers: { TTL: 60 } } })],
  ["message.apns", to({ apns: { header: {} } })],
  ["message.apns.payload", to({ apns: { payload: "{}" } })],
  ["", { message: to({}), dry_run: true }],
];

test("names and types that the API lacks are rejected by Google's parser, by field", async () => {
  for (const [field, message] of MALFORMED)
    assert.deepEqual(
      { ...(await violations(field === "" ? message : { message })), message: "" },
      { fields: [field], codes: [], message: "" },
    );
  const { message } = await violations({ message: to({ notification: { titel: "t" }, data: { n: 1 } }) });
  assert.equal(
    message,
    `Invalid JSON payload received. Unknown name "titel" at 'message.notification': Cannot find field.\nInvalid value at 'message.data[0].value' (TYPE_STRING), 1`,
  );
  assert.match((await violations([])).message, /^Invalid JSON payload received/);
});

const web = (more: Record<string, unknown>) => to({ webpush: more });
const apple = (payload: unknown, headers = {}) => to({ apns: { payload, headers } });

/** Rejected by FCM. */
const INVALID: [field: string, message: unknown][] = [
  ["message", {}],
  ["message", { token: "" }],
  ["message", { token: "t", fid: "f" }],
  ["message.topic", { topic: "/topics/news" }],
  ["message.data", to({ data: { from: "x" } })],
  ["message.data", to({ data: { "gcm.notification.x": "x" } })],
  ["message.android.data", to({ android: { data: { google_x: "x" } } })],
  ["message.android.ttl", to({ android: { ttl: "2419201s" } })],
  ["message.android.ttl", to({ android: { ttl: "-1s" } })],
  ["message.fcm_options.analytics_label", to({ fcmOptions: { analyticsLabel: "not allowed" } })],
  ["message.android.notification.color", shown({ color: "red" })],
  ["message.android.notification.notification_count", shown({ notification_count: -1 })],
  ["message.android.notification.light_settings.light_off_duration", shown({ light_settings: { color: {}, light_on_duration: "1s" } })],
  ["message.webpush.fcm_options.link", web({ fcm_options: { link: "http://shop.example" } })],
  ["message.webpush.headers", web({ headers: { Urgency: "now" } })],
  ["message.webpush.notification.dir", web({ notification: { dir: "up" } })],
  ["message.webpush.notification.actions.0.title", web({ notification: { actions: [{ action: "a" }] } })],
  ["message.webpush.notification", web({ notification: { renotify: true } })],
  ["message.apns.headers", apple({ aps: { badge: 1 } }, { "apns-priority": "7" })],
  ["message.apns.headers", apple({ aps: { "content-available": 1 } }, { "apns-push-type": "background", "apns-priority": "10" })],
  ["message.apns.payload", apple({ aps: {} })],
  ["message.apns.payload.aps.badge", apple({ aps: { badge: "1" } })],
  ["message.apns.payload.aps", apple({ aps: { "content-available": 1, badge: 1 } }, { "apns-push-type": "background" })],
  ["message.apns.payload.aps.timestamp", apple({ aps: { event: "end" } }, { "apns-push-type": "liveactivity" })],
  ["message.apns.payload", apple({ aps: { badge: 1 }, padding: "x".repeat(4_096) })],
  ["message", to({ data: { text: "x".repeat(4_093) } })],
  ["message", { topic: "news", data: { text: "x".repeat(2_045) } }],
];

test("values that FCM does not take are rejected by FCM, by field", async () => {
  for (const [field, message] of INVALID) {
    const { fields, codes } = await violations({ message });
    assert.deepEqual([fields, codes], [[field], ["INVALID_ARGUMENT"]]);
  }
  assert.equal((await send({ message: to({ data: { text: "x".repeat(4_092) } }) })).status, 200, "4096 bytes with the key");
});
