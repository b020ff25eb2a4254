import assert from "node:assert/strict";
import { test } from "node:test";
import { backgroundPush, localizedPush, richPush } from "../../test/support/content-samples.ts";
import { apnsBody } from "./apns-payload.ts";
import { APNS_PAYLOAD_BYTES_MAX } from "./limits.ts";
import type { PushContent } from "./push-content.ts";

const ids = { delivery: "d-0", attempt: "d-0/1" };
const plain: PushContent = { title: "Dinner", body: "is ready 🍲", data: { table: "7" } };
const payloadOf = (content: PushContent) => JSON.parse(apnsBody(content, ids));
const apsOf = (over: Partial<PushContent>) => payloadOf({ ...plain, ...over }).aps;

test("a plain push has title, body, data, both ids and the system's default sound", () => {
  assert.deepEqual(payloadOf(plain), {
    aps: { alert: { title: "Dinner", body: "is ready 🍲" }, sound: "default" },
    data: { table: "7" },
    carillon: ids,
  });
  const only = (over: Partial<PushContent>) => payloadOf({ ...plain, data: {}, ...over });
  assert.deepEqual(only({ body: "" }), { aps: { alert: { title: "Dinner" }, sound: "default" }, carillon: ids });
  assert.deepEqual(only({ title: "" }).aps.alert, { body: "is ready 🍲" });
});

test("every field is where Apple or the application reads it, and the override is merged into it", () => {
  const { dataJson, data } = richPush();
  assert.deepEqual(payloadOf(richPush()), {
    aps: {
      alert: { title: "Dinner", subtitle: "Table 7", body: "is ready 🍲" },
      ...{ badge: 3, sound: "bell.caf", "thread-id": "orders", category: "ORDER", "mutable-content": 1 },
      ...{ "interruption-level": "time-sensitive", "relevance-score": 0.5, "target-content-id": "window" },
    },
    ...{ image: "https://img.example/dinner.png", url: "https://shop.example/orders/17?tab=1" },
    actions: [
      { id: "open", title: "Open", icon: "https://img.example/open.png", url: "shop://orders/17" },
      { id: "later", title: "Later" },
    ],
    data: { ...data, ...dataJson },
    carillon: ids,
  });
});

test("texts of the application are named by their keys", () => {
  assert.deepEqual(payloadOf(localizedPush()).aps.alert, {
    ...{ "title-loc-key": "DINNER_TITLE", "loc-key": "DINNER_BODY", "loc-args": ["7", "8 pm"] },
    ...{ "subtitle-loc-key": "TABLE", "subtitle-loc-args": ["7"] },
  });
});

test("a sound is the default one, a file, or none; that of a critical alert is a dictionary", () => {
  const soundOf = (over: Partial<PushContent>) => apsOf(over).sound;
  assert.equal(soundOf({}), "default");
  assert.equal(soundOf({ sound: "bell.caf" }), "bell.caf");
  assert.equal("sound" in apsOf({ sound: "none" }), false);
  assert.deepEqual(soundOf({ interruptionLevel: "critical" }), { critical: 1, name: "default", volume: 1 });
  assert.deepEqual(soundOf({ interruptionLevel: "critical", sound: "siren.caf" }), { critical: 1, name: "siren.caf", volume: 1 });
  assert.equal("sound" in apsOf({ interruptionLevel: "critical", sound: "none" }), false);
});

test("a badge alone makes no sound unless one is named, 0 removes it, and an absent one is not sent", () => {
  const silent = { title: "", body: "" };
  assert.deepEqual(apsOf({ ...silent, badge: 0 }), { badge: 0 });
  assert.deepEqual(apsOf({ ...silent, badge: 4, sound: "bell.caf" }), { badge: 4, sound: "bell.caf" });
  assert.equal(apsOf({ badge: 0 }).badge, 0);
  assert.equal("badge" in apsOf({}), false);
});

test("a background push and data alone have nothing but content-available", () => {
  assert.deepEqual(payloadOf(backgroundPush()).aps, { "content-available": 1 });
  assert.deepEqual(payloadOf({ ...plain, title: "", body: "" }), { aps: { "content-available": 1 }, data: { table: "7" }, carillon: ids });
});

test("mutable-content is set where it is asked for, and where a picture needs it", () => {
  assert.equal(apsOf({ mutable: true })["mutable-content"], 1);
  assert.equal(apsOf({ imageUrl: "https://a.example/b.png" })["mutable-content"], 1);
  assert.equal("mutable-content" in apsOf({}), false);
});

test("neither data nor an override takes the place of our ids", () => {
  const data = { aps: "x", carillon: "x" };
  assert.deepEqual(payloadOf({ ...plain, data }).carillon, ids);
  assert.deepEqual(payloadOf({ ...plain, overrides: { apns: { carillon: null } } }).carillon, ids);
  assert.deepEqual(payloadOf({ ...plain, overrides: { apns: { carillon: { delivery: "x" } } } }).carillon, ids);
});

test("a push that fits only without the default sound goes without it", () => {
  const bytesWith = (bytes: number) => ({ ...plain, body: "b".repeat(bytes) });
  const room = APNS_PAYLOAD_BYTES_MAX - Buffer.byteLength(apnsBody(bytesWith(0), ids)) - ',"body":""'.length;
  assert.equal(payloadOf(bytesWith(room)).aps.sound, "default");
  assert.equal(Buffer.byteLength(apnsBody(bytesWith(room), ids)), APNS_PAYLOAD_BYTES_MAX);
  assert.equal("sound" in payloadOf(bytesWith(room + 1)).aps, false);
});

test("a VoIP push says what the content says, without a sound or an aps of ours", () => {
  assert.deepEqual(payloadOf({ title: "", body: "", voip: true, data: { call: "17" }, dataJson: { video: true } }), {
    data: { call: "17", video: true },
    carillon: ids,
  });
  assert.deepEqual(payloadOf({ ...plain, voip: true }).aps, { alert: { title: "Dinner", body: "is ready 🍲" } });
});

const update: PushContent = {
  ...{ title: "", body: "", data: {} },
  liveActivity: {
    event: "update",
    contentState: { eta: 5, note: null },
    timestamp: 1_700_000_000_999,
    staleDate: 1_700_000_600_000,
    relevanceScore: 75,
  },
};

test("a Live Activity is told in Apple's words, with nothing of ours in its attributes and its state", () => {
  assert.deepEqual(payloadOf(update), {
    aps: {
      ...{ event: "update", "content-state": { eta: 5, note: null }, timestamp: 1_700_000_000, "stale-date": 1_700_000_600 },
      "relevance-score": 75,
    },
    carillon: ids,
  });
  const started = {
    ...{ title: "Boarding", body: "", data: {} },
    bodyLocalized: { key: "GATE", args: ["12"] },
    liveActivity: { event: "start", contentState: {}, attributesType: "Flight", attributes: {}, timestamp: 1_700_000_000_000 },
  } as const satisfies PushContent;
  assert.deepEqual(payloadOf(started).aps, {
    ...{ event: "start", "content-state": {}, "attributes-type": "Flight", attributes: {}, timestamp: 1_700_000_000 },
    alert: { title: "Boarding", body: { "loc-key": "GATE", "loc-args": ["12"] }, sound: "default" },
  });
  const ended: PushContent = { ...update, liveActivity: { event: "end", dismissalDate: 0, timestamp: 1_700_000_000_000 } };
  assert.deepEqual(payloadOf(ended).aps, { event: "end", "dismissal-date": 0, timestamp: 1_700_000_000 });
});
