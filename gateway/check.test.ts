import assert from "node:assert/strict";
import { createECDH } from "node:crypto";
import { test } from "node:test";
import { EMAIL_BYTES_MAX } from "../core/content/email-faults.ts";
import type { Channel } from "../core/delivery/channel.ts";
import { EXPIRY_MAX_MS } from "../core/delivery/lifetime.ts";
import { checkRequest, SEND_AT_AHEAD_MAX_MS, SEND_AT_PAST_TOLERANCE_MS } from "./check.ts";
import { payloadHash } from "./payload-hash.ts";
import type { NotificationRequest } from "./request.ts";
import { buildRecord, channelsOf, EXPIRY_DEFAULT_MS, targetsOf } from "./route.ts";

const NOW = 1_000_000_000;
const push = { title: "t", body: "b", data: {} };
const email = { subject: "s", html: "", text: "t" };
const request: NotificationRequest = {
  ...{
    idempotencyKey: "k",
    recipient: { kind: "user", userId: "ada" },
    channels: [],
    notificationClass: "transactional",
    category: "orders",
  },
  ...{ content: { push, sms: { text: "hi" } }, priority: "high", collapseKey: undefined, sendAt: undefined, expiresAt: undefined },
};
const curve = createECDH("prime256v1");
const point = curve.generateKeys();
const offCurve = Buffer.from(point);
offCurve[64]! ^= 1;
const subscription = {
  channel: "webpush",
  pushUrl: "https://127.0.0.1/x",
  p256dh: Buffer.alloc(65).toString("base64url"),
  auth: "a",
} as const;

const table: [string, Partial<NotificationRequest>, Channel[], string[]][] = [
  ["nothing wrong", {}, ["apns", "sms"], []],
  ["send_at in the past", { sendAt: NOW - SEND_AT_PAST_TOLERANCE_MS - 1 }, [], ["send_at time.future"]],
  ["send_at a little in the past is now", { sendAt: NOW - SEND_AT_PAST_TOLERANCE_MS }, [], []],
  ["send_at too far ahead", { sendAt: NOW + SEND_AT_AHEAD_MAX_MS + 1 }, [], ["send_at time.horizon"]],
  ["expires_at before send_at", { sendAt: NOW + 10, expiresAt: NOW + 10 }, [], ["expires_at time.order"]],
  ["expires_at in the past", { expiresAt: NOW }, [], ["expires_at time.future"]],
  ["expires_at too late", { expiresAt: NOW + EXPIRY_MAX_MS + 1 }, [], ["expires_at time.horizon"]],
  ["an invalid time", { sendAt: Number.NaN }, [], ["send_at time.future"]],
  [
    "an invalid push that no requested channel uses",
    { content: { push: { ...push, body: "x".repeat(5_000) } } },
    ["sms"],
    ["content.push fcm.bytes"],
  ],
  [
    "an invalid e-mail that no requested channel uses",
    { content: { sms: { text: "hi" }, email: { subject: "s", html: "", text: "x".repeat(EMAIL_BYTES_MAX) } } },
    ["sms"],
    ["content.email email.bytes"],
  ],
  ["a collapse key of any printable characters", { collapseKey: "заказ 7/ä \u{1f372}" }, ["apns"], []],
  ["a collapse key with a control character", { collapseKey: "a\nb" }, ["apns"], ["collapse_key collapse_key.printable"]],
  ["a push that shows nothing", { content: { push: { ...push, title: " ", body: "" } } }, ["apns"], ["content.push push.blank"]],
  [
    "a mail that shows nothing",
    { content: { email: { subject: " ", html: "", text: "\n" } } },
    ["email"],
    ["content.email.subject email.blank", "content.email.text email.blank"],
  ],
  ["an SMS that shows nothing", { content: { sms: { text: " \u200b" } } }, ["sms"], ["content.sms.text sms.blank"]],
  ["a channel without content", { channels: ["email"] }, ["email"], ["content.email content.required"]],
  [
    "an endpoint without content for it",
    { recipient: { kind: "endpoint", endpoint: { channel: "email", address: "a@b.c" } } },
    ["email"],
    ["content.email content.required"],
  ],
  [
    "an endpoint of another channel",
    { channels: ["sms"], recipient: { kind: "endpoint", endpoint: { channel: "apns", token: "ab" } } },
    ["apns"],
    ["channels[0] channel.endpoint"],
  ],
  [
    "a push too large for every push channel",
    { content: { push: { ...push, body: "x".repeat(5_000) } } },
    ["apns", "fcm", "webpush"],
    ["content.push apns.bytes", "content.push fcm.bytes", "content.push webpush.bytes"],
  ],
  [
    "a push too large for Web Push alone",
    { content: { push: { ...push, body: "x".repeat(3_850) } } },
    ["apns", "webpush"],
    ["content.push webpush.bytes"],
  ],
  ["an SMS of eleven segments", { content: { sms: { text: "ж".repeat(67 * 10 + 1) } } }, ["sms"], ["content.sms.text sms.segments"]],
  [
    "an e-mail that is too large",
    { content: { email: { subject: "s", html: "x".repeat(2_000_000), text: "" } } },
    ["email"],
    ["content.email email.bytes"],
  ],
  [
    "a key that Carillon reserves",
    { content: { push: { ...push, data: { carillon_x: "1" } } } },
    ["apns"],
    ["content.push.data data.reserved"],
  ],
  ["a key that FCM reserves", { content: { push: { ...push, data: { from: "1" } } } }, ["fcm"], ["content.push.data data.reserved"]],
  ...(
    [
      ["voip", { ...push, voip: true }],
      ["live-activity", { ...push, liveActivity: { event: "update", contentState: {} } }],
      ["live-activity-start", { ...push, liveActivity: { event: "start", contentState: {}, attributesType: "A", attributes: {} } }],
      [undefined, push],
    ] as const
  ).flatMap(([kind, content], _, all): (typeof table)[number][] =>
    all.map(([other]) => [
      `a push for ${kind ?? "ordinary"} tokens to a token of kind ${other ?? "ordinary"}`,
      { recipient: { kind: "endpoint", endpoint: { channel: "apns", token: "ab", kind: other } }, content: { push: content } },
      ["apns"],
      kind === other ? [] : ["recipient.endpoint endpoint.kind"],
    ]),
  ),
  [
    "a VoIP push to FCM",
    { recipient: { kind: "endpoint", endpoint: { channel: "fcm", token: "a" } }, content: { push: { ...push, voip: true } } },
    ["fcm"],
    ["content.push.voip push.apns"],
  ],
  [
    "a collapse key without effect",
    { content: { push: { ...push, voip: true } }, collapseKey: "call" },
    ["apns"],
    ["collapse_key collapse_key.kind"],
  ],
  [
    "a push URL into the internal network",
    { recipient: { kind: "endpoint", endpoint: subscription }, content: { push } },
    ["webpush"],
    ["recipient.endpoint.web_push_subscription.push_url push_url.host", "recipient.endpoint.web_push_subscription.p256dh p256dh.point"],
  ],
  ...(
    [
      ["as it should be", point, []],
      ["compressed", curve.getPublicKey(null, "compressed"), ["p256dh.point"]],
      ["off the curve", offCurve, ["p256dh.point"]],
      ["all zeros", Buffer.alloc(65), ["p256dh.point"]],
      ["in the hybrid form", curve.getPublicKey(null, "hybrid"), ["p256dh.point"]],
    ] as const
  ).map(([how, key, rules]): (typeof table)[number] => [
    `a browser's public key ${how}`,
    {
      recipient: {
        kind: "endpoint",
        endpoint: { ...subscription, pushUrl: "https://push.example/x", p256dh: key.toString("base64url") },
      },
      content: { push },
    },
    ["webpush"],
    rules.map((rule) => `recipient.endpoint.web_push_subscription.p256dh ${rule}`),
  ]),
  [
    "a push URL with a percent sign that begins no escape",
    {
      recipient: {
        kind: "endpoint",
        endpoint: { ...subscription, pushUrl: "https://push.example/%%34", p256dh: point.toString("base64url") },
      },
      content: { push },
    },
    ["webpush"],
    ["recipient.endpoint.web_push_subscription.push_url push_url.escape"],
  ],
  [
    "an address that is none",
    { recipient: { kind: "endpoint", endpoint: { channel: "email", address: "Ada <ada@example.com>" } }, content: { email } },
    ["email"],
    ["recipient.endpoint.email_address string.email"],
  ],
  [
    "an address with an internationalized domain",
    { recipient: { kind: "endpoint", endpoint: { channel: "email", address: "ada@bücher.example" } }, content: { email } },
    ["email"],
    [],
  ],
];
for (const [name, over, channels, expected] of table) {
  test(`checks ${name}`, () => {
    const faults = checkRequest({ ...request, ...over }, channels, { now: NOW, pushHosts: ["push.example"] });
    assert.deepEqual(
      faults.map((f) => `${f.field} ${f.rule}`),
      expected,
    );
  });
}

const contact = { app: "a", userId: "ada", endpointId: "e", endpoint: { channel: "apns", token: "ab" }, registeredAt: 0 } as const;

test("targets every endpoint of the channels with content, and marks requested channels without one", () => {
  assert.deepEqual(channelsOf(request, ["sms", "apns", "email"]), ["sms", "apns"]);
  assert.deepEqual(
    targetsOf(request, ["sms", "apns"], [contact]).map((t) => [t.channel, t.endpointId]),
    [["apns", "e"]],
  );
  assert.deepEqual(
    targetsOf({ ...request, channels: ["sms", "apns"] }, ["sms", "apns"], [contact]).map((t) => [t.channel, t.endpointId]),
    [
      ["sms", undefined],
      ["apns", "e"],
    ],
  );
  assert.deepEqual(targetsOf(request, ["sms", "apns"], []), [{ channel: "sms" }]);
});

test("suppresses opted-out targets and those without an endpoint at acceptance, schedules the rest, and sets due so that the relay evaluates only failed publishes", () => {
  const at = { id: "0".repeat(32), app: "a", now: NOW, payloadHash: "h", watchdogFirstMs: 30_000 };
  const targets = [
    { channel: "apns", endpoint: contact.endpoint, endpointId: "e" },
    { channel: "sms" },
    { channel: "apns", endpoint: contact.endpoint },
  ] as const;
  const now = buildRecord(at, request, targets, ["opted-out", "allowed", "unknown"]);
  assert.deepEqual(
    now.deliveries.map((d) => [d.state, d.reason]),
    [
      ["suppressed", { code: "opted-out" }],
      ["suppressed", { code: "no-endpoint" }],
      ["pending", undefined],
    ],
  );
  assert.ok(now.deliveries[2]!.nextAt! > NOW);
  assert.equal(now.expiresAt, NOW + EXPIRY_DEFAULT_MS);
  const later = buildRecord(at, { ...request, sendAt: NOW + 5_000 }, [targets[2]], ["allowed"]);
  assert.deepEqual([later.deliveries[0]!.nextAt, later.deliveries[0]!.publishCount], [NOW + 5_000, 0]);
});

test("a mail is marked by the priority that its caller gave, never by its class's, and its hash stays the caller's", () => {
  const at = { id: "0".repeat(32), app: "a", now: NOW, payloadHash: "h", watchdogFirstMs: 30_000 };
  const email = { subject: "s", html: "", text: "t" };
  const headersOf = (over: Partial<NotificationRequest>) =>
    buildRecord(at, { ...request, content: { email }, priority: "high", ...over }, [{ channel: "email" }], ["allowed"]).content.email
      ?.headers;
  assert.equal(headersOf({}), undefined);
  assert.deepEqual(headersOf({ priorityAsked: "high" }), { Importance: "high", "X-Priority": "1" });
  assert.deepEqual(headersOf({ priorityAsked: "low", content: { email: { ...email, headers: { "X-A": "1" } } } }), {
    ...{ "X-A": "1", Importance: "low", "X-Priority": "5" },
  });
  assert.deepEqual(headersOf({ priorityAsked: "high", content: { email: { ...email, headers: { Importance: "normal" } } } }), {
    Importance: "normal",
  });
  assert.equal(payloadHash({ ...request, content: { email } }), payloadHash({ ...request, content: { email }, priorityAsked: "high" }));
});

test("what browsers cannot show is suppressed for them, and sent where it can be shown", () => {
  const at = { id: "n", app: "shop", now: NOW, payloadHash: "h", watchdogFirstMs: 1_000 };
  const targets = [
    { channel: "webpush", endpoint: subscription },
    { channel: "apns", endpoint: { channel: "apns", token: "ab" } },
  ] as const;
  const statesOf = (over: object) =>
    buildRecord(at, { ...request, content: { push: { ...push, title: "", body: "", ...over } } }, targets, [
      "allowed",
      "allowed",
    ]).deliveries.map(({ state, reason }) => [state, reason?.code]);
  const suppressed = [
    ["suppressed", "not-supported"],
    ["pending", undefined],
  ];
  assert.deepEqual(statesOf({ background: true }), suppressed);
  assert.deepEqual(statesOf({ bodyLocalized: { key: "K", args: [] } }), suppressed);
  for (const over of [{ data: { a: "b" } }, { badge: 3 }]) assert.deepEqual(statesOf(over), suppressed);
  assert.deepEqual(statesOf({ body: "b" }), [
    ["pending", undefined],
    ["pending", undefined],
  ]);
});
