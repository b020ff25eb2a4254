import assert from "node:assert/strict";
import { test } from "node:test";
import { localizedPush, richPush } from "../../test/support/content-samples.ts";
import type { JsonValue } from "./json.ts";
import { WEBPUSH_PLAINTEXT_BYTES_MAX } from "./limits.ts";
import type { PushContent } from "./push-content.ts";
import { webPushPlaintext } from "./webpush-payload.ts";

const ids = { delivery: "d-0", attempt: "d-0/1" };
const plain: PushContent = { title: "Dinner", body: "is ready 🍲", data: { table: "7" } };
const textOf = (content: PushContent, origin?: string) => webPushPlaintext(content, { ids, mark: "shop/order-7", origin });
const payloadOf = (content: PushContent, origin?: string) => JSON.parse(textOf(content, origin));

test("a plain push is read by workers of one's own, by Angular's and, with a URL to open, by the browser itself", () => {
  const payload = {
    notification: { title: "Dinner", body: "is ready 🍲", tag: "shop/order-7", data: { table: "7" } },
    ...{ title: "Dinner", body: "is ready 🍲", data: { table: "7" }, carillon: ids },
  };
  assert.deepEqual(payloadOf(plain), payload);
  const navigate = "https://shop.example/";
  assert.deepEqual(payloadOf(plain, navigate), { web_push: 8030, ...payload, notification: { ...payload.notification, navigate } });
});

test("every field is where the browser or the worker reads it, and the override is merged into it", () => {
  const { data, dataJson } = richPush();
  const url = "https://shop.example/orders/17?tab=1";
  assert.deepEqual(payloadOf(richPush(), "https://shop.example/"), {
    web_push: 8030,
    notification: {
      ...{ title: "Dinner", body: "Table 7\nis ready 🍲", navigate: url, lang: "en-GB", dir: "ltr", tag: "shop/order-7", renotify: true },
      ...{ image: "https://img.example/dinner.png", icon: "https://img.example/icon.png" },
      // The scheme of an application means nothing to a browser.
      actions: [
        { action: "open", title: "Open", icon: "https://img.example/open.png", navigate: url },
        { action: "later", title: "Later", navigate: url },
      ],
      ...{ app_badge: 3, mutable: true },
      data: { ...data, ...dataJson, onActionClick: { default: { operation: "openWindow", url } } },
    },
    ...{ app_badge: 3, mutable: true },
    ...{ title: "Dinner", body: "Table 7\nis ready 🍲", data: { ...data, ...dataJson }, carillon: ids },
  });
});

test("buttons open their own URLs", () => {
  const actions = [
    { id: "track", title: "Track", clickUrl: "https://shop.example/track" },
    { id: "later", title: "Later" },
  ];
  const { notification } = payloadOf({ ...plain, actions }, "https://shop.example/");
  assert.deepEqual(notification.actions, [
    { action: "track", title: "Track", navigate: "https://shop.example/track" },
    // A declarative message with a button that opens nothing is not shown at all.
    { action: "later", title: "Later", navigate: "https://shop.example/" },
  ]);
  assert.deepEqual(notification.data.onActionClick, { track: { operation: "openWindow", url: "https://shop.example/track" } });
});

test("what a browser cannot open is no URL to it", () => {
  const { web_push, notification } = payloadOf({ ...plain, clickUrl: "shop://orders/17" });
  assert.deepEqual([web_push, notification.navigate, notification.data.onActionClick], [undefined, undefined, undefined]);
});

test("a body alone is the title, which a notification of a browser needs; a worker gets it as it is", () => {
  const { notification, ...payload } = payloadOf({ ...plain, title: "", data: {} });
  assert.deepEqual(notification, { title: "is ready 🍲", tag: "shop/order-7" });
  assert.deepEqual(payload, { body: "is ready 🍲", carillon: ids });
});

test("silence, a badge of 0 and relative icons", () => {
  const { notification, app_badge } = payloadOf({ ...plain, sound: "none", badge: 0, icon: "/icons/a.png" });
  assert.deepEqual([notification.silent, app_badge, notification.icon], [true, 0, "/icons/a.png"]);
  assert.equal("icon" in payloadOf({ ...plain, icon: "ic_order" }).notification, false);
});

test("in a declarative push every URL is absolute: Safari drops the whole message on one that is not", () => {
  const rich: PushContent = { ...plain, icon: "/icons/logo@2x.png", clickUrl: "/inbox?unread=1" };
  const actions = [{ id: "a", title: "A", clickUrl: "/a" }];
  const webpush = { notification: { badge: "b.png", image: "https://img.example/i.png" } };
  const { web_push, notification } = payloadOf({ ...rich, actions, overrides: { webpush } }, "https://shop.example");
  assert.equal(web_push, 8030);
  assert.deepEqual(
    [notification.icon, notification.navigate, notification.badge, notification.image],
    [
      "https://shop.example/icons/logo@2x.png",
      "https://shop.example/inbox?unread=1",
      "https://shop.example/b.png",
      webpush.notification.image,
    ],
  );
  assert.deepEqual(notification.actions, [{ action: "a", title: "A", navigate: "https://shop.example/a" }]);
  // Without the application's origin, that of the click target counts.
  const byTarget = payloadOf({ ...rich, clickUrl: "https://blog.example/p/4" });
  assert.deepEqual([byTarget.web_push, byTarget.notification.icon], [8030, "https://blog.example/icons/logo@2x.png"]);
  // Without either, the service worker shows it, and resolves URLs itself.
  const neither = payloadOf(rich);
  assert.deepEqual([neither.web_push, neither.notification.icon, neither.notification.navigate], [undefined, rich.icon, undefined]);
  assert.deepEqual(neither.notification.data.onActionClick, { default: { operation: "openWindow", url: "/inbox?unread=1" } });
  const marked = { web_push: 8030, notification: { navigate: "/x" } };
  assert.equal(payloadOf({ ...plain, overrides: { webpush: marked } }).web_push, undefined);
});

test("badge and mutable are where Safari reads them and where the Push API has them", () => {
  const { app_badge, mutable, notification } = payloadOf({ ...plain, badge: 0, mutable: true }, "https://shop.example");
  assert.deepEqual([app_badge, mutable, notification.app_badge, notification.mutable], [0, true, 0, true]);
  assert.equal("app_badge" in payloadOf({ ...plain, badge: 0 }).notification, false, "not where a service worker shows it");
});

test("the caller's own click targets stay", () => {
  const own = { operation: "navigateLastFocusedOrOpen", url: "/inbox" };
  const targets = (onActionClick: JsonValue, clickUrl = "https://a.example/") =>
    payloadOf({ ...plain, clickUrl, actions: [{ id: "x", title: "X", clickUrl }], dataJson: { onActionClick } }).notification.data
      .onActionClick;
  const ours = { operation: "openWindow", url: "https://a.example/" };
  assert.deepEqual(targets({ default: own, mine: own }), { default: own, mine: own, x: ours });
  assert.equal(targets("none"), "none");
});

test("an override may take the notification away; the texts beside it stay, however little room there is", () => {
  const push = (body: string) =>
    payloadOf({ ...plain, body, lang: "de", overrides: { webpush: { notification: null } } }, "https://a.example/");
  assert.deepEqual(Object.keys(push("b")), ["title", "body", "data", "carillon"]);
  assert.deepEqual(Object.keys(push("b".repeat(3_500))), ["title", "body", "data", "carillon"]);
});

test("what shows nothing has no notification", () => {
  assert.deepEqual(payloadOf({ ...plain, title: "", body: "" }, "https://a.example/"), { data: { table: "7" }, carillon: ids });
  assert.deepEqual(payloadOf({ title: "", body: "", data: {}, badge: 4 }), { app_badge: 4, carillon: ids });
  assert.equal("notification" in payloadOf(localizedPush({ overrides: undefined })), false);
});

test("an override reaches neither our ids nor the tag", () => {
  const webpush = { carillon: null, notification: { tag: "x", badge: "/b.png" }, web_push: null };
  const { carillon, notification } = payloadOf({ ...plain, overrides: { webpush } });
  assert.deepEqual([carillon, notification.tag, notification.badge], [ids, "shop/order-7", "/b.png"]);
});

test("where there is no room for both, a plain push is as in 0.1, and any other says it in its notification alone", () => {
  const body = "b".repeat(WEBPUSH_PLAINTEXT_BYTES_MAX / 2);
  assert.deepEqual(payloadOf({ ...plain, body }, "https://a.example/"), { title: "Dinner", body, data: { table: "7" }, carillon: ids });
  const rich = payloadOf({ ...plain, body, lang: "de" }, "https://a.example/");
  assert.deepEqual(Object.keys(rich), ["web_push", "notification", "carillon"]);
  assert.equal(rich.notification.body, body);
});
