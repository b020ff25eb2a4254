import assert from "node:assert/strict";
import { test } from "node:test";
import { backgroundPush, localizedPush, richPush } from "../../test/support/content-samples.ts";
import type { Channel } from "../delivery/channel.ts";
import { jsonBytes } from "./json.ts";
import type { LiveActivity } from "./live-activity.ts";
import { pushPayloadBytes } from "./push.ts";
import { type PushContent, pushKind } from "./push-content.ts";
import { PUSH_CONTENT_BYTES_MAX, pushFaults } from "./push-faults.ts";

const faultsOf = (content: PushContent, channels: readonly Channel[] = ["apns"]) =>
  pushFaults(content, channels).map(({ field, rule }) => `${field} ${rule}`);
const silent: PushContent = { title: "", body: "", data: {} };

test("a text is shown, a badge alone is counted, and nothing else is seen", () => {
  const kindOf = (over: Partial<PushContent>) => pushKind({ ...silent, ...over });
  assert.equal(kindOf({ body: "b" }), "shown");
  assert.equal(kindOf({ titleLocalized: { key: "K", args: [] } }), "shown");
  assert.equal(kindOf({ badge: 0 }), "badge");
  assert.equal(kindOf({ data: { a: "b" } }), "background");
  assert.equal(kindOf({ background: true }), "background");
});

test("a field that needs a shown text is refused without one", () => {
  const shown = { subtitle: "s", imageUrl: "https://a.example/b", clickUrl: "app://x", thread: "t", mutable: true } as const;
  const refused = ["subtitle", "image_url", "click_url", "thread", "mutable"].map((name) => `content.push.${name} push.unshown`);
  for (const content of [{ ...silent, data: { a: "b" } }, { ...silent, badge: 1 }, backgroundPush()])
    assert.deepEqual(faultsOf({ ...content, ...shown }).sort(), refused.toSorted());
  assert.deepEqual(faultsOf({ ...silent, ...shown, body: "b" }), []);
  assert.deepEqual(faultsOf({ ...silent, badge: 1, sound: "bell.caf" }), [], "a badge may have a sound");
  assert.deepEqual(faultsOf({ ...silent, data: { a: "b" }, sound: "bell.caf" }), ["content.push.sound push.unshown"]);
});

test("a push with nothing in it is refused, also one with an empty object of data", () => {
  assert.deepEqual(faultsOf(silent), ["content.push.data_json push.empty"]);
  for (const content of [
    { ...silent, badge: 0 },
    { ...silent, dataJson: { a: null } },
    { ...silent, background: true },
  ])
    assert.deepEqual(faultsOf(content), []);
});

test("browsers take no push that shows nothing or texts of an application, unless another channel is there", () => {
  assert.deepEqual(faultsOf(backgroundPush(), ["webpush"]), ["content.push.background webpush.unshown"]);
  const unshown = [
    { ...silent, data: { a: "1" } },
    { ...silent, badge: 3 },
  ];
  for (const content of unshown) assert.deepEqual(faultsOf(content, ["webpush"]), ["content.push webpush.unshown"]);
  assert.deepEqual(faultsOf(localizedPush(), ["webpush"]), ["content.push webpush.localized"]);
  for (const content of [backgroundPush(), localizedPush(), ...unshown]) assert.deepEqual(faultsOf(content, ["webpush", "apns"]), []);
});

test("URLs: https for what is loaded, any scheme for a click but those that run code", () => {
  const image = (imageUrl: string) => faultsOf(richPush({ imageUrl }));
  for (const url of [
    "http://a.example/b",
    "data:image/png;base64,x",
    "//a.example",
    "https://a.example/b c",
    "https://a\n.example",
    "https:///b",
  ])
    assert.deepEqual(image(url), ["content.push.image_url url.https"], url);
  const shape = (imageUrl: string) => /; it (.*)/.exec(pushFaults(richPush({ imageUrl }), ["apns"])[0]!.message)?.[1];
  assert.deepEqual(
    [
      "http://secret.example/x",
      "shop:x",
      "secret.example/x",
      "https://secret example/",
      `https://a.example/${"x".repeat(3_000)}`,
      "https:///x",
    ].map(shape),
    [
      ...["begins with http://", "begins with shop:", "has no scheme", "has a space or a control character"],
      ...["has 3018 characters, and at most 2048 are possible", "has no host that can be read"],
    ],
  );
  const click = (clickUrl: string) => faultsOf(richPush({ clickUrl }));
  for (const url of ["https://a.example/b?c=d#e", "shop://orders/17", "mailto:a@b.example", "tel:+4930", "SHOP:orders", "/inbox", "/"])
    assert.deepEqual(click(url), [], url);
  for (const url of ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"])
    assert.deepEqual(click(url), ["content.push.click_url url.unsafe"], url);
  for (const url of [
    "orders/17",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    ":x",
    "shop:",
    "//a.example/x",
    "/\\a.example/x",
    "/a b",
  ])
    assert.deepEqual(click(url), ["content.push.click_url url.scheme"], JSON.stringify(url));
  const icon = (icon: string) => faultsOf(richPush({ icon }));
  for (const name of ["ic_order", "/icons/a-1.png?v=2", "https://a.example/i.png", "/icons/logo@2x.png", "/a%20b/~c+d.png"])
    assert.deepEqual(icon(name), [], name);
  for (const name of ["javascript:x", "http://a.example/i.png", "//a.example/i.png", "a b", "/a%2", "/a%zz"])
    assert.deepEqual(icon(name), ["content.push.icon icon.form"], name);
  const bad = { id: "a", title: "t", iconUrl: "http://a.example", clickUrl: "data:x" };
  assert.deepEqual(faultsOf(richPush({ actions: [bad, bad] })), [
    ...[0, 1].flatMap((i) => [`content.push.actions[${i}].icon_url url.https`, `content.push.actions[${i}].click_url url.unsafe`]),
    "content.push.actions actions.twice",
  ]);
});

test("data_json has the rules of data, and no key of it", () => {
  const data = (dataJson: PushContent["dataJson"], channels?: Channel[]) => faultsOf({ ...silent, data: { a: "1" }, dataJson }, channels);
  assert.deepEqual(data({ b: 1 }), []);
  assert.deepEqual(data({ a: null }), ["content.push.data_json data.twice"]);
  assert.deepEqual(data({ carillon: 1 }), ["content.push.data_json data.reserved"]);
  assert.deepEqual(data({ from: 1 }, ["fcm"]), ["content.push.data_json data.reserved"]);
  const messages = pushFaults({ ...silent, data: { carillon_a: "1", from: "x" }, dataJson: { from: 1 } }, ["fcm"]).map(
    ({ message }) => message,
  );
  assert.deepEqual(messages, [
    'has the key "carillon_a": keys beginning with "carillon" are reserved',
    'has the key "carillon_a", which fcm reserves',
    ...['has the key "from", which fcm reserves', 'has the key "from", which fcm reserves', 'has the key "from", which data has too'],
  ]);
  const taken = richPush({ data: { url: "x", thread: "x" }, dataJson: { actions: 1, badge: 1 } });
  assert.deepEqual(faultsOf(taken, ["fcm"]), [...["data", "data", "data_json"].map((name) => `content.push.${name} data.reserved`)]);
  assert.deepEqual(faultsOf(taken, ["apns"]), []);
  assert.deepEqual(data({ "": 1 }), ["content.push.data_json data.key"]);
  assert.deepEqual(data({ b: [Number.NaN] }), ["content.push.data_json json.number"]);
  // 2^53 + 1 arrives as 2^53.
  for (const n of [2 ** 53, -(2 ** 53) - 2, 1e300]) assert.deepEqual(data({ b: [{ n }] }), ["content.push.data_json json.integer"], `${n}`);
  assert.deepEqual(data({ b: [Number.MAX_SAFE_INTEGER, -1.5, 1e-300] }), []);
});

test("control characters, our own headers and sizes", () => {
  assert.deepEqual(faultsOf(richPush({ sound: "a\nb", thread: "a\0" })), [
    "content.push.sound string.control",
    "content.push.thread string.control",
  ]);
  const headers = (apnsHeaders: Record<string, string>) => faultsOf(richPush({ overrides: { apnsHeaders } }));
  const at = "content.push.overrides.apns_headers";
  const ours = ["apns-id", "apns-collapse-id", "apns-expiration", "apns-channel-id"];
  assert.deepEqual(
    headers(Object.fromEntries(ours.map((name) => [name, "x"]))),
    ours.map((name) => `${at}.${name} override.protected`),
  );
  assert.deepEqual(headers({ "apns-topic": "a\r\nb", "apns-push-type": "spam", "apns-priority": "7" }), [
    ...["apns-topic", "apns-push-type", "apns-priority"].map((name) => `${at}.${name} header.value`),
  ]);
  assert.deepEqual(headers({ "apns-topic": "com.example.shop.voip-ptt", "apns-push-type": "pushtotalk", "apns-priority": "10" }), []);
  for (const own of ["voip", "liveactivity"]) assert.deepEqual(headers({ "apns-push-type": own }), [`${at}.apns-push-type header.value`]);
  const overrides = { fcm: { a: "x".repeat(17_000) }, apns: { a: Number.POSITIVE_INFINITY } };
  assert.deepEqual(faultsOf(richPush({ overrides })).sort(), [
    "content.push.overrides.apns json.number",
    "content.push.overrides.fcm override.bytes",
  ]);
  assert.deepEqual(faultsOf(richPush({ subtitle: "é".repeat(PUSH_CONTENT_BYTES_MAX / 2) })), ["content.push push.bytes"]);
});

test("a content that is not counted makes no payload above twice its own bytes and 1,500", () => {
  const url = `https://a.example/${"u".repeat(200)}`;
  const actions = ["a", "b", "c", "d"].map((id) => ({ id, title: "t".repeat(100), iconUrl: url, clickUrl: url }));
  const localized = { key: "k".repeat(100), args: ["x".repeat(50)] };
  for (const content of [
    { title: "t", body: "", data: {} },
    richPush(),
    localizedPush({ titleLocalized: localized, bodyLocalized: localized, subtitleLocalized: localized }),
    backgroundPush(),
    richPush({ actions, clickUrl: url, imageUrl: url, icon: url, thread: "t".repeat(64) }),
    richPush({ subtitle: '"'.repeat(300), body: "é".repeat(300), dataJson: { a: ['"'.repeat(300)] } }),
    { title: "", body: "", data: {}, badge: 2_147_483_647 },
  ] satisfies PushContent[])
    for (const channel of ["apns", "fcm", "webpush"] as const) {
      const bytes = pushPayloadBytes(channel, content);
      assert.ok(bytes <= 2 * jsonBytes(content) + 1_500, `${channel}: ${bytes} of ${jsonBytes(content)}`);
    }
});

const start: LiveActivity = { event: "start", contentState: { eta: 12 }, attributesType: "Flight", attributes: { number: "CR 12" } };

test("VoIP pushes and Live Activities are for apns alone, and nothing without effect is beside them", () => {
  assert.deepEqual(faultsOf({ ...silent, voip: true, data: { call: "17" }, dataJson: { video: true } }), []);
  assert.deepEqual(faultsOf(richPush({ voip: true, overrides: {} })), [], "its application reads whatever the content says");
  assert.deepEqual(faultsOf({ ...silent, liveActivity: start, title: "Boarding", sound: "bell.caf" }), []);
  for (const content of [
    { ...silent, voip: true },
    { ...silent, liveActivity: start },
  ]) {
    const field = content.voip ? "voip" : "live_activity";
    assert.deepEqual(faultsOf({ ...content, overrides: { apnsHeaders: { "apns-priority": "5" }, apns: { aps: { a: 1 } } } }), []);
    assert.deepEqual(faultsOf(content, ["apns", "fcm"]), [`content.push.${field} push.apns`]);
    assert.deepEqual(faultsOf({ ...content, overrides: { fcm: {}, webpush: {}, apnsHeaders: { "apns-push-type": "alert" } } }), [
      "content.push.overrides.fcm push.apns",
      "content.push.overrides.webpush push.apns",
      "content.push.overrides.apns_headers.apns-push-type override.protected",
    ]);
  }
  const beside = faultsOf({
    ...silent,
    liveActivity: start,
    badge: 1,
    data: { a: "b" },
    dataJson: { c: 1 },
    thread: "t",
    sound: "bell.caf",
  });
  assert.deepEqual(beside.sort(), [
    ...["badge", "data", "data_json"].map((name) => `content.push.${name} push.live_activity`),
    "content.push.sound push.unshown",
    "content.push.thread push.live_activity",
  ]);
});

test("a Live Activity's times are those that Apple's seconds express, and its JSON is JSON", () => {
  const past = { staleDate: 0, dismissalDate: -1, timestamp: -1 };
  assert.deepEqual(faultsOf({ ...silent, liveActivity: { ...start, ...past } }), [
    "content.push.live_activity.dismissal_date time.epoch",
    "content.push.live_activity.timestamp time.epoch",
  ]);
  const contentState = { a: Number.NaN };
  assert.deepEqual(faultsOf({ ...silent, liveActivity: { ...start, contentState } }), [
    "content.push.live_activity.content_state json.number",
  ]);
});

test("a VoIP push has room for 5,120 bytes, a Live Activity's for 4,096, named or not", () => {
  const voip = (bytes: number): PushContent => ({ ...silent, voip: true, data: { a: "x".repeat(bytes) } });
  const live = (bytes: number): PushContent => ({ ...silent, liveActivity: { ...start, attributes: { a: "x".repeat(bytes) } } });
  for (const channels of [["apns"], []] as const) {
    assert.deepEqual(faultsOf(voip(4_800), channels), []);
    assert.deepEqual(faultsOf(voip(5_120), channels), ["content.push apns.bytes"]);
    assert.deepEqual(faultsOf(live(3_700), channels), []);
    assert.deepEqual(faultsOf(live(4_096), channels), ["content.push apns.bytes"]);
  }
});
