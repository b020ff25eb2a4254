import assert from "node:assert/strict";
import { test } from "node:test";
import { backgroundPush, localizedPush, richPush } from "../../test/support/content-samples.ts";
import { type FcmEnvelope, fcmMessage, isTagged } from "./fcm-message.ts";
import type { JsonObject } from "./json.ts";
import { FCM_PAYLOAD_BYTES_MAX } from "./limits.ts";
import type { PushContent } from "./push-content.ts";
import { pushFaults } from "./push-faults.ts";

const envelope: FcmEnvelope = {
  ...{ token: "t", isInstallation: false, ids: { delivery: "d-0", attempt: "d-0/1" }, mark: "shop/order-7", topic: "T", isCollapsed: true },
  ...{ priority: "high", ttlSeconds: 90, apnsExpiration: "1700000090", apnsPriority: "10", urgency: "high" },
};
const plain: PushContent = { title: "Dinner", body: "is ready 🍲", data: { table: "7" } };
// As it arrives: any shape.
const messageOf = (content: PushContent, over: Partial<FcmEnvelope> = {}) =>
  JSON.parse(JSON.stringify(fcmMessage(content, { ...envelope, ...over }).message));
const bytesOf = (content: PushContent) => fcmMessage(content, envelope).bytes;
const ourData = { carillon_delivery: "d-0", carillon_attempt: "d-0/1" };

test("a plain push is the same on Android, on iPhones and in browsers", () => {
  assert.deepEqual(messageOf(plain), {
    token: "t",
    notification: { title: "Dinner", body: "is ready 🍲" },
    data: { table: "7", ...ourData },
    android: {
      ...{ priority: "high", ttl: "90s", collapse_key: "shop/order-7" },
      notification: { tag: "shop/order-7", default_sound: true },
    },
    apns: {
      headers: {
        ...{ "apns-collapse-id": "shop/order-7", "apns-push-type": "alert" },
        ...{ "apns-priority": "10", "apns-expiration": "1700000090" },
      },
      payload: { aps: { alert: { title: "Dinner", body: "is ready 🍲" }, sound: "default" }, data: { table: "7" } },
    },
    webpush: { headers: { Topic: "T", TTL: "90", Urgency: "high" }, notification: { tag: "shop/order-7" } },
  });
});

test("every field is where its platform reads it", () => {
  const { overrides: _, ...content } = richPush();
  const { notification, data, android, apns, webpush } = messageOf(content);
  const image = "https://img.example/dinner.png";
  assert.deepEqual(notification, { title: "Dinner", body: "Table 7\nis ready 🍲", image });
  const actions = [
    { id: "open", title: "Open", icon: "https://img.example/open.png", url: "shop://orders/17" },
    { id: "later", title: "Later" },
  ];
  assert.deepEqual(JSON.parse(data.actions), actions);
  assert.deepEqual(JSON.parse(data.order), content.dataJson?.order);
  assert.deepEqual([data.table, data["a.b"], data.url, data.thread], ["7", "$c", "https://shop.example/orders/17?tab=1", "orders"]);
  assert.deepEqual(android.notification, {
    ...{ tag: "shop/order-7", sound: "bell.caf", channel_id: "orders", click_action: "ORDER", notification_count: 3 },
    notification_priority: "PRIORITY_HIGH",
  });
  assert.deepEqual(apns.payload.aps, {
    alert: { title: "Dinner", subtitle: "Table 7", body: "is ready 🍲" },
    ...{ badge: 3, sound: "bell.caf", "thread-id": "orders", category: "ORDER", "mutable-content": 1 },
    ...{ "interruption-level": "time-sensitive", "relevance-score": 0.5 },
  });
  assert.deepEqual([apns.payload.image, apns.payload.url, apns.payload.actions], [image, content.clickUrl, actions]);
  assert.deepEqual(apns.payload.data, { ...content.data, ...content.dataJson });
  assert.deepEqual(webpush.notification, {
    ...{ tag: "shop/order-7", icon: "https://img.example/icon.png", dir: "ltr", lang: "en-GB" },
    actions: [
      { action: "open", title: "Open", icon: "https://img.example/open.png" },
      { action: "later", title: "Later" },
    ],
  });
  assert.deepEqual(webpush.fcm_options, { link: "https://shop.example/orders/17?tab=1" });
});

test("what only one platform knows is sent to that one alone", () => {
  const icon = (icon: string) => messageOf({ ...plain, icon });
  assert.deepEqual([icon("ic_order").android.notification.icon, icon("ic_order").webpush.notification.icon], ["ic_order", undefined]);
  assert.deepEqual([icon("/i.png").android.notification.icon, icon("/i.png").webpush.notification.icon], [undefined, "/i.png"]);
  const { webpush, data } = messageOf({ ...plain, clickUrl: "shop://orders/17" });
  assert.deepEqual([webpush.fcm_options, data.url], [undefined, "shop://orders/17"]);
  const { notification, android, apns } = messageOf(localizedPush({ imageUrl: undefined }));
  assert.equal(notification, undefined);
  assert.deepEqual(
    [android.notification.title_loc_key, android.notification.body_loc_key, android.notification.body_loc_args],
    ["DINNER_TITLE", "DINNER_BODY", ["7", "8 pm"]],
  );
  assert.equal(apns.payload.aps.alert["title-loc-key"], "DINNER_TITLE");
});

test("no sound is none anywhere, and a badge of 0 is left out where it would count one more", () => {
  const { android, apns, webpush } = messageOf({ ...plain, sound: "none", badge: 0 });
  assert.deepEqual(android.notification, { tag: "shop/order-7" });
  assert.equal(apns.payload.aps.badge, 0);
  assert.equal("sound" in apns.payload.aps, false);
  assert.equal(webpush.notification.silent, true);
});

test("data alone, a background push and a badge alone have no notification and no tag", () => {
  for (const content of [
    { ...plain, title: "", body: "" },
    backgroundPush({ overrides: undefined }),
    { ...plain, title: "", body: "", badge: 4 },
  ]) {
    const { notification, android, webpush } = messageOf(content);
    assert.deepEqual([notification, android.notification, webpush.notification], [undefined, undefined, undefined]);
  }
  const { apns, data } = messageOf({ ...plain, title: "", body: "" });
  assert.deepEqual(
    [apns.headers["apns-push-type"], apns.payload],
    ["background", { aps: { "content-available": 1 }, data: { table: "7" } }],
  );
  assert.equal("badge" in data, false);
  const badge = messageOf({ title: "", body: "", data: {}, badge: 0 });
  assert.deepEqual([badge.apns.payload.aps, badge.apns.headers["apns-push-type"], badge.data.badge], [{ badge: 0 }, "alert", "0"]);
});

test("Android's priority is high where asked for, and for what breaks through", () => {
  const priority = (over: Partial<PushContent>, asked: FcmEnvelope["priority"]) =>
    messageOf({ ...plain, ...over }, { priority: asked }).android.priority;
  assert.deepEqual([priority({}, "high"), priority({}, "normal"), priority({}, "low")], ["high", "normal", "normal"]);
  assert.equal(priority({ interruptionLevel: "critical" }, "normal"), "high");
  assert.equal(messageOf(plain, { ttlSeconds: 0 }).android.ttl, "0s");
});

test("an override is read in both spellings of its names, and what is the application's own stays as it is", () => {
  const message = (fcm: JsonObject) => messageOf({ ...plain, overrides: { fcm } });
  const event = "2026-11-23T12:00:00Z";
  const spellings: JsonObject[] = [
    { android: { notification: { ticker: "T", event_time: event, click_action: "OPEN" } }, fcm_options: { analytics_label: "a" } },
    { android: { notification: { ticker: "T", eventTime: event, clickAction: "OPEN" } }, fcmOptions: { analyticsLabel: "a" } },
  ];
  for (const fcm of spellings) {
    const { android, fcm_options } = message(fcm);
    assert.deepEqual(android.notification, {
      ...{ tag: "shop/order-7", default_sound: true, ticker: "T", event_time: event, click_action: "OPEN" },
    });
    assert.deepEqual(fcm_options, { analytics_label: "a" });
  }
  const own = message({ data: { orderId: "7" }, webpush: { notification: { requireInteraction: true } }, apns: { payload: { myKey: 1 } } });
  assert.deepEqual([own.data.orderId, own.webpush.notification.requireInteraction, own.apns.payload.myKey], ["7", true, 1]);
  assert.equal("default_sound" in message({ android: { notification: { defaultSound: null } } }).android.notification, false);
});

test("an override reaches neither recipient, ids, marks nor expiry", () => {
  const fcm: JsonObject = {
    ...{ token: "x", topic: "all", condition: "c", data: { carillon_delivery: "x" }, message: { token: "x" } },
    android: { ttl: "1s", collapseKey: "x", data: {}, notification: { tag: "x" } },
    apns: { headers: { "apns-expiration": "1", "apns-collapse-id": "x", "apns-id": "x" }, liveActivityToken: "x" },
    webpush: { headers: { TTL: "1", topic: "x" }, notification: { tag: "x" } },
  };
  assert.deepEqual(messageOf({ ...plain, overrides: { fcm } }), messageOf(plain));
  const named = pushFaults({ ...plain, overrides: { fcm } }, ["fcm"]).map(({ field, rule }) => `${field.split("fcm.")[1]} ${rule}`);
  assert.deepEqual(
    named.sort(),
    [
      ...["token", "topic", "condition", "message", "data.carillon_delivery", "android.ttl", "android.collapse_key", "android.data"],
      ...["android.notification.tag", "apns.headers.apns-expiration", "apns.headers.apns-collapse-id", "apns.headers.apns-id"],
      ...["apns.live_activity_token", "webpush.headers.TTL", "webpush.headers.topic", "webpush.notification.tag"],
    ]
      .map((path) => `${path} override.protected`)
      .sort(),
  );
});

test("a message of which an override left nothing to show has no tag either", () => {
  const { notification, android, webpush } = messageOf({ ...plain, overrides: { fcm: { notification: null } } });
  assert.deepEqual([notification, android.notification, webpush.notification], [undefined, undefined, undefined]);
  const loud = messageOf({ ...plain, androidChannel: "orders", sound: "bell", icon: "/i.png", overrides: { fcm: { notification: null } } });
  assert.deepEqual([loud.android.notification, loud.webpush.notification], [undefined, undefined]);
  const own = messageOf({ ...plain, overrides: { fcm: { notification: null, android: { notification: { title: "T" } } } } });
  assert.deepEqual(
    [own.android.notification.title, own.android.notification.tag, own.webpush.notification],
    ["T", "shop/order-7", undefined],
  );
  assert.equal(messageOf(localizedPush({ overrides: undefined })).webpush.notification, undefined, "a browser knows no localized texts");
});

test("an override may remove what a tag is in", () => {
  const fcm = { android: { notification: null }, webpush: { notification: null } };
  const content = { ...plain, overrides: { fcm } };
  assert.deepEqual(pushFaults(content, ["fcm"]), []);
  const { notification, android, webpush } = messageOf(content);
  assert.deepEqual([notification.title, android.notification, webpush.notification], ["Dinner", undefined, undefined]);
  assert.deepEqual(pushFaults({ ...plain, overrides: { webpush: { notification: null } } }, ["webpush"]), []);
  const refused = pushFaults({ ...plain, overrides: { fcm: { android: null, apns: { headers: null } } } }, ["fcm"]).map(
    ({ field }) => field,
  );
  assert.deepEqual([...new Set(refused)].sort(), ["content.push.overrides.fcm.android", "content.push.overrides.fcm.apns.headers"]);
});

test("names and values of the Admin SDKs are read as the REST API has them", () => {
  const fcm: JsonObject = {
    notification: { imageUrl: "https://a.example/1" },
    apns: { fcmOptions: { imageUrl: "https://a.example/2" } },
    android: {
      notification: {
        ...{ imageUrl: "https://a.example/3", eventTimestamp: "2026-11-23T12:00:00Z", vibrateTimingsMillis: [500, 1_250] },
        ...{ priority: "max", visibility: "private" },
      },
    },
  };
  const { notification, apns, android } = messageOf({ ...plain, overrides: { fcm } });
  assert.deepEqual([notification.image, apns.fcm_options.image], ["https://a.example/1", "https://a.example/2"]);
  assert.deepEqual(android.notification, {
    ...{ tag: "shop/order-7", default_sound: true, image: "https://a.example/3", event_time: "2026-11-23T12:00:00Z" },
    ...{ vibrate_timings: ["0.5s", "1.25s"], notification_priority: "PRIORITY_MAX", visibility: "PRIVATE" },
  });
});

test("what is refused in an override says what to use instead", () => {
  const fcm: JsonObject = {
    ...{ token: "x", message: {}, data: { carillon_delivery: "x" }, webpush: { headers: { Topic: "x" }, data: {} } },
    ...{
      android: { ttl: "1s", collapseKey: "x", notification: { tag: "x" } },
      apns: { headers: { "apns-expiration": "1", "apns-topic": "x" } },
    },
  };
  const apnsHeaders = { "apns-expiration": "1", "apns-collapse-id": "x" };
  const faults = pushFaults({ ...plain, overrides: { fcm, apnsHeaders, webpush: { notification: { tag: "x" } } } }, ["fcm"]);
  const hints = faults.map(({ field, message }) => [field.replace("content.push.overrides.", ""), message.split("; ")[1]]);
  assert.deepEqual(Object.fromEntries(hints), {
    ...{
      "fcm.token": "use recipient",
      "fcm.message": "give what stands inside of message, without it",
      "fcm.data.carillon_delivery": undefined,
    },
    ...{ "fcm.webpush.headers.Topic": "use collapse_key", "fcm.webpush.data": "use data", "fcm.android.ttl": "use ttl_seconds" },
    ...{ "fcm.android.collapse_key": "use collapse_key", "fcm.android.notification.tag": "use collapse_key" },
    ...{ "fcm.apns.headers.apns-expiration": "use ttl_seconds", "fcm.apns.headers.apns-topic": undefined },
    ...{ "apns_headers.apns-expiration": "use ttl_seconds", "apns_headers.apns-collapse-id": "use collapse_key" },
    "webpush.notification.tag": "use collapse_key",
  });
});

test("data that nothing shows keep a key that is called notification", () => {
  assert.equal(messageOf(backgroundPush({ data: { notification: "7" } })).data.notification, "7");
});

test("counts keys and values of data and of what is shown, on the platform where they are most", () => {
  const counted = (...texts: string[]) => Buffer.byteLength(texts.join(""));
  const data = counted("table", "7", ...Object.entries(ourData).flat());
  const texts = counted("title", "Dinner", "body", "is ready 🍲");
  assert.equal(bytesOf(plain), data + texts + counted("tag", "shop/order-7", "default_sound", "true"));
  // The copy of data that iPhones get counts, too, and goes first where there is no room.
  const large = (chars: number): PushContent => ({ ...plain, imageUrl: "https://a.example/i.png", data: { table: "7".repeat(chars) } });
  assert.equal(
    bytesOf(large(500)),
    2 * (500 - 1 + counted("table7")) +
      counted(...Object.entries(ourData).flat()) +
      texts +
      counted("image", "https://a.example/i.png", "sound", "default", "mutable-content", "1"),
  );
  const { payload } = messageOf(large(2_500)).apns;
  assert.deepEqual([payload.data, payload.image], [undefined, "https://a.example/i.png"]);
  const linked = messageOf({ ...plain, clickUrl: `https://a.example/${"u".repeat(2_020)}` });
  assert.deepEqual([linked.apns.payload.url, linked.apns.payload.aps.sound], [undefined, "default"]);
  const fcm = { apns: { payload: { more: ["x".repeat(3_000), 17] } } };
  assert.equal(bytesOf({ ...plain, overrides: { fcm } }), data + texts + counted("table", "7", "sound", "default", "more", "17") + 3_000);
});

test("the sound that nobody asked for goes first where there is no room, then the tag", () => {
  const room = FCM_PAYLOAD_BYTES_MAX - bytesOf({ ...plain, body: "b" }) + 1;
  const built = (bytes: number) => {
    const { message } = fcmMessage({ ...plain, body: "b".repeat(bytes) }, envelope);
    const { android } = JSON.parse(JSON.stringify(message));
    return [android.notification?.default_sound, isTagged(message)];
  };
  assert.deepEqual(built(room), [true, true]);
  assert.deepEqual(built(room + 1), [undefined, true]);
  assert.deepEqual(built(room + "default_soundtrue".length), [undefined, true]);
  assert.deepEqual(built(room + "default_soundtrue".length + 1), [undefined, false]);
});
