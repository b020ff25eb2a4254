import assert from "node:assert/strict";
import { test } from "node:test";
import { localizedPush, richPush } from "../../test/support/content-samples.ts";
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
        { action: "open", title: "Open", icon: "https://img.example/open.png" },
        { action: "later", title: "Later" },
      ],
      data: { ...data, ...dataJson, onActionClick: { default: { operation: "openWindow", url } } },
    },
    ...{ app_badge: 3, mutable: true },
    ...{ title: "Dinner", body: "Table 7\nis ready 🍲", data: { ...data, ...dataJson }, carillon: ids },
  });
});

test("buttons open their own URLs", () => {
  const actions = [{ id: "track", title: "Track", clickUrl: "https://shop.example/track" }];
  const { notification } = payloadOf({ ...plain, actions }, "https://shop.example/");
  assert.deepEqual(notification.actions, [{ action: "track", title: "Track", navigate: "https://shop.example/track" }]);
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
