// Pushes as senders write them for other systems, said in Carillon's fields, sent by the gateway and compared with what arrived. The structures are
// those of public documentation (gorush, node-apn, pushy, Firebase, Angular, Apple); the values are our own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { contentToProto } from "../../core/content/content.ts";
import type { PushContent } from "../../core/content/push-content.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import { arrivedAt, valueAt } from "../../providers/content-fields/arrived.ts";
import type { Place } from "../../providers/content-fields/row.ts";
import { fresh, freshEndpoint } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { register, rejectionOf, send, settled, toUser } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem({ WEBPUSH_APP_ORIGIN: "https://shop.example" });
  for await (const { id } of system.store.apps.list())
    await system.store.apps.change(id, (app) => ({ ...app!, limits: { ...app!.limits, overrides: ["apns", "fcm", "webpush"] } }));
});
after(() => system?.[Symbol.asyncDispose]());

const PUSH = ["apns", "fcm", "webpush"] as const satisfies Channel[];
type PushChannel = (typeof PUSH)[number];

/** A user with one endpoint of each. */
async function withEndpoints(channels: readonly Channel[] = PUSH): Promise<string> {
  const user = fresh("rose");
  for (const channel of channels) await register(system, user, freshEndpoint(channel, system.sandbox));
  return user;
}

interface Case {
  says: string;
  push: Partial<PushContent>;
  about?: { ttlSeconds?: number };
  arrives: Partial<Record<PushChannel, readonly Place[]>>;
}
const at = (path: string, value: unknown): Place => ({ path, value });
const APS = "apns.payload.aps";

const CASES: readonly Case[] = [
  {
    says: "gorush: an iOS alert with subtitle, badge, category, sound and nested custom data",
    push: {
      ...{
        title: "Game request",
        subtitle: "Five-card draw",
        body: "Ben wants to play",
        badge: 1,
        actionCategory: "GAME",
        sound: "chime.aiff",
      },
      dataJson: { game: { id: 42, players: ["ben", "ida"] } },
    },
    arrives: {
      apns: [
        at("aps", {
          alert: { title: "Game request", subtitle: "Five-card draw", body: "Ben wants to play" },
          ...{ badge: 1, sound: "chime.aiff", category: "GAME" },
        }),
        at("data", { game: { id: 42, players: ["ben", "ida"] } }),
      ],
      fcm: [at("data.game", '{"id":42,"players":["ben","ida"]}'), at("android.notification.click_action", "GAME")],
      webpush: [at("app_badge", 1), at("notification.body", "Five-card draw\nBen wants to play")],
    },
  },
  {
    says: "gorush: texts of the application with arguments",
    push: { titleLocalized: { key: "PLAY", args: ["Ida"] }, bodyLocalized: { key: "PLAY_BODY", args: ["Ida", "Ben"] } },
    arrives: {
      apns: [
        at("aps.alert", { "title-loc-key": "PLAY", "title-loc-args": ["Ida"], "loc-key": "PLAY_BODY", "loc-args": ["Ida", "Ben"] }),
        at("aps.sound", "default"),
      ],
      fcm: [
        at("notification", undefined),
        at("android.notification.title_loc_key", "PLAY"),
        at("android.notification.body_loc_args", ["Ida", "Ben"]),
        at(`${APS}.alert.loc-key`, "PLAY_BODY"),
      ],
    },
  },
  {
    says: "node-apn: a text with badge, sound, thread and a payload of one's own",
    push: { body: "You have a new message", badge: 3, sound: "ping.aiff", thread: "chat-7", data: { messageFrom: "Jana" } },
    arrives: {
      apns: [
        at("aps", { alert: { body: "You have a new message" }, badge: 3, sound: "ping.aiff", "thread-id": "chat-7" }),
        at("data.messageFrom", "Jana"),
      ],
      fcm: [at("data.thread", "chat-7"), at("android.notification.sound", "ping.aiff"), at("android.notification.notification_count", 3)],
      webpush: [at("notification.title", "You have a new message"), at("notification.navigate", "https://shop.example")],
    },
  },
  {
    says: "node-apn: a silent update that is not stored",
    push: { background: true, data: { sync: "inbox" } },
    about: { ttlSeconds: 0 },
    arrives: {
      apns: [
        at("aps", { "content-available": 1 }),
        at("headers.apns-push-type", "background"),
        at("headers.apns-priority", "5"),
        at("headers.apns-expiration", "0"),
        at("data.sync", "inbox"),
      ],
      fcm: [
        at("notification", undefined),
        at("android", { priority: "normal", ttl: "0s" }),
        at(APS, { "content-available": 1 }),
        at("data.sync", "inbox"),
      ],
    },
  },
  {
    says: "pushy: a picture and a deep link, changed by the application before it is shown",
    push: { title: "Sale", body: "Until Sunday", imageUrl: "https://img.example/sale.jpg", clickUrl: "shop://sale/9", mutable: true },
    arrives: {
      apns: [at("image", "https://img.example/sale.jpg"), at("url", "shop://sale/9"), at("aps.mutable-content", 1)],
      fcm: [
        at("notification.image", "https://img.example/sale.jpg"),
        at("data.url", "shop://sale/9"),
        at("webpush.fcm_options", undefined),
      ],
      webpush: [
        at("notification.image", "https://img.example/sale.jpg"),
        at("mutable", true),
        at("notification.navigate", "https://shop.example"),
      ],
    },
  },
  {
    says: "pushy: the badge alone, taken away",
    push: { badge: 0 },
    arrives: {
      apns: [at("aps", { badge: 0 }), at("headers.apns-push-type", "alert")],
      fcm: [at("notification", undefined), at(APS, { badge: 0 }), at("data.badge", "0")],
    },
  },
  {
    says: "Firebase: Android's channel, drawable and colour, in the SDK's spelling",
    push: {
      ...{ title: "Breaking", body: "Match postponed", androidChannel: "news", icon: "ic_stat_news" },
      overrides: {
        fcm: { android: { notification: { color: "#f45342", defaultVibrateTimings: true } }, fcmOptions: { analyticsLabel: "sport" } },
      },
    },
    arrives: {
      fcm: [
        at("android.notification.channel_id", "news"),
        at("android.notification.icon", "ic_stat_news"),
        at("android.notification.color", "#f45342"),
        at("android.notification.default_vibrate_timings", true),
        at("fcm_options.analytics_label", "sport"),
      ],
    },
  },
  {
    says: "Firebase: one message for all platforms, the web's with link, icon and buttons",
    push: {
      ...{ title: "Order 17", body: "has been shipped", clickUrl: "https://shop.example/orders/17", icon: "/icons/order.png" },
      actions: [{ id: "track", title: "Track", clickUrl: "https://shop.example/track/17" }],
    },
    arrives: {
      fcm: [
        at("webpush.fcm_options.link", "https://shop.example/orders/17"),
        at("webpush.notification.icon", "/icons/order.png"),
        at("webpush.notification.actions", [{ action: "track", title: "Track" }]),
        at(`${APS}.alert`, { title: "Order 17", body: "has been shipped" }),
      ],
    },
  },
  {
    says: "Angular: a notification whose buttons open pages",
    push: {
      ...{
        title: "New comment",
        body: "Lea replied",
        icon: "/assets/icon.png",
        clickUrl: "https://blog.example/p/4",
        lang: "en",
        dir: "ltr",
      },
      actions: [
        { id: "read", title: "Read", clickUrl: "https://blog.example/p/4#c9" },
        { id: "mute", title: "Mute" },
      ],
      overrides: { webpush: { notification: { requireInteraction: true, vibrate: [100, 50, 100] } } },
      data: { post: "4" },
    },
    arrives: {
      webpush: [
        at("web_push", 8030),
        at("notification.title", "New comment"),
        at("notification.requireInteraction", true),
        at("notification.vibrate", [100, 50, 100]),
        at("notification.data", {
          post: "4",
          onActionClick: {
            default: { operation: "openWindow", url: "https://blog.example/p/4" },
            read: { operation: "openWindow", url: "https://blog.example/p/4#c9" },
          },
        }),
        at("notification.actions", [
          { action: "read", title: "Read", navigate: "https://blog.example/p/4#c9" },
          { action: "mute", title: "Mute", navigate: "https://blog.example/p/4" },
        ]),
      ],
    },
  },
  {
    says: "Apple: a critical alert, its volume by an override",
    push: {
      ...{ title: "Smoke", body: "in the kitchen", interruptionLevel: "critical", sound: "siren.caf", relevanceScore: 1 },
      overrides: { apns: { aps: { sound: { volume: 0.8 } } } },
    },
    arrives: {
      apns: [
        at("aps.sound", { critical: 1, name: "siren.caf", volume: 0.8 }),
        at("aps.interruption-level", "critical"),
        at("aps.relevance-score", 1),
      ],
      fcm: [at("android.priority", "high"), at("android.notification.notification_priority", "PRIORITY_MAX")],
    },
  },
];

for (const { says, push, about, arrives } of CASES)
  test(says, async () => {
    const content = contentToProto({ push: { title: "", body: "", data: {}, ...push } });
    const accepted = await send(system, { recipient: toUser(await withEndpoints()), content, ...about });
    const [record] = await settled(system, [accepted.notificationId]);
    for (const { channel, state, id, reason } of record!.deliveries) {
      const entries = system.sandbox.ledger.entries({ deliveryId: id });
      const isPossible = channel !== "webpush" || Boolean(push.title || push.body);
      assert.deepEqual([channel, state, entries.length], [channel, isPossible ? "sent" : "suppressed", isPossible ? 1 : 0]);
      if (!isPossible) assert.equal(reason?.code, "not-supported");
      else
        for (const { path, value } of arrives[channel as PushChannel] ?? [])
          assert.deepEqual(valueAt(arrivedAt(entries[0]!), path), value, `${channel} ${path}`);
    }
  });

test("what no browser can show is refused where there is nothing but browsers", async () => {
  for (const push of [{ background: true }, { data: { a: "1" } }, { badge: 3 }]) {
    const content = contentToProto({ push: { title: "", body: "", data: {}, ...push } });
    const details = await rejectionOf(send(system, { recipient: toUser(await withEndpoints(["webpush"])), content }));
    assert.match(JSON.stringify(details), /webpush\.unshown/);
  }
});

test("sizes and protected paths are told at acceptance, with the override merged", async () => {
  const user = await withEndpoints(["apns"]);
  const rejected = (overrides: PushContent["overrides"]) =>
    rejectionOf(
      send(system, { recipient: toUser(user), content: contentToProto({ push: { title: "t", body: "b", data: {}, overrides } }) }),
    );
  assert.match(JSON.stringify(await rejected({ apns: { more: "x".repeat(4_096) } })), /makes a payload of 4\d{3} bytes; apns carries 4096/);
  assert.match(
    JSON.stringify(await rejected({ fcm: { android: { notification: { tag: "x" } } } })),
    /overrides\.fcm\.android\.notification\.tag/,
  );
});
