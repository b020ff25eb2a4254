import assert from "node:assert/strict";
import { test } from "node:test";
import { apnsBody } from "../../core/content/apns-payload.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { buildApnsPush as build, isTopicOf, topicOf } from "./payload.ts";

const push = samplePush({ channel: "apns", token: "00ff" }, { expiresAt: 1_700_000_000_999 });
const content = push.content.push!;
const now = 1_699_999_000_000;
const buildApnsPush = (...[delivery, device, of]: [typeof push, string, typeof content]) => build(delivery, device, of, { now });

test("the body is the payload whose bytes the gateway counted", () => {
  const ids = { delivery: push.deliveryId, attempt: push.attemptId };
  assert.equal(buildApnsPush(push, "00ff", content).body, apnsBody(content, ids));
});

test("priorities are 10, 5 and 1", () => {
  const priority = (p: "high" | "normal" | "low") => buildApnsPush({ ...push, priority: p }, "00ff", content).headers["apns-priority"];
  assert.deepEqual([priority("high"), priority("normal"), priority("low")], ["10", "5", "1"]);
});

test("expiry is rounded down to a whole second", () => {
  assert.equal(buildApnsPush(push, "00ff", content).headers["apns-expiration"], "1700000000");
});

test("a lifetime at the provider ends it earlier, and 0 is now or never", () => {
  const expiration = (ttlSeconds: number) => buildApnsPush({ ...push, ttlSeconds }, "00ff", content).headers["apns-expiration"];
  assert.deepEqual([expiration(60), expiration(5_000), expiration(0)], ["1699999060", "1700000000", "0"]);
});

test("an override names the topic, the kind and the priority; the topic is the account's own or has a suffix", () => {
  const apnsHeaders = { "apns-topic": "com.example.shop.voip-ptt", "apns-push-type": "pushtotalk", "apns-priority": "10" };
  const { headers } = buildApnsPush({ ...push, priority: "low" }, "00ff", { ...content, overrides: { apnsHeaders } });
  assert.deepEqual({ ...headers, ...apnsHeaders }, headers);
  assert.deepEqual(
    [
      undefined,
      "com.example.shop",
      "com.example.shop.voip-ptt",
      "com.example.shop.voip",
      "com.example.shop.push-type.liveactivity",
      "com.example.shopping",
      "com.example",
    ].map((topic) => isTopicOf("com.example.shop", topic)),
    [true, true, true, false, false, false, false],
  );
});

test("always has a collapse id, so that a repeated attempt replaces its twin", () => {
  const collapseId = (collapseKey?: string) => buildApnsPush({ ...push, collapseKey }, "00ff", content).headers["apns-collapse-id"];
  assert.equal(collapseId(), push.deliveryId);
  assert.equal(collapseId("order-7"), "shop/order-7");
});

test("data alone are sent as a background push, of the one priority that Apple takes for it", () => {
  const silent = { ...content, title: "", body: "" };
  for (const priority of ["high", "normal", "low"] as const) {
    const built = buildApnsPush({ ...push, priority }, "00ff", silent);
    assert.deepEqual(
      [built.headers["apns-push-type"], built.headers["apns-priority"], JSON.parse(built.body).aps],
      ["background", "5", { "content-available": 1 }],
    );
  }
  assert.equal(buildApnsPush(push, "00ff", { ...silent, body: "Dinner" }).headers["apns-push-type"], "alert");
});

test("a VoIP push is urgent, not stored, and replaces nothing, whatever the notification says", () => {
  for (const over of [{ priority: "low", collapseKey: "call", ttlSeconds: 60 }, {}] as const) {
    const { headers } = buildApnsPush({ ...push, ...over }, "00ff", { ...content, voip: true });
    const { "apns-id": _, ...rest } = headers;
    assert.deepEqual(rest, { "apns-push-type": "voip", "apns-priority": "10", "apns-expiration": "0" });
  }
});

test("a Live Activity's push has priority 10 or 5 and no collapse id", () => {
  const liveActivity = { event: "update", contentState: {}, timestamp: now } as const;
  const headersOf = (priority: "high" | "normal" | "low") => {
    const { "apns-id": _, ...rest } = buildApnsPush({ ...push, priority }, "00ff", { ...content, liveActivity }).headers;
    return rest;
  };
  assert.deepEqual(headersOf("high"), { "apns-push-type": "liveactivity", "apns-priority": "10", "apns-expiration": "1700000000" });
  assert.deepEqual(
    [headersOf("normal"), headersOf("low")].map((headers) => headers["apns-priority"]),
    ["5", "5"],
  );
});

test("tokens of each kind have a topic of their own", () => {
  const topics = ([undefined, "voip", "live-activity", "live-activity-start"] as const).map((kind) => topicOf("com.example.shop", kind));
  assert.deepEqual(topics, [
    "com.example.shop",
    "com.example.shop.voip",
    "com.example.shop.push-type.liveactivity",
    "com.example.shop.push-type.liveactivity",
  ]);
});
