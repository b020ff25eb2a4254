import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestJson } from "./notification-json.ts";
import { previewText } from "./preview-text.ts";

const plain = (_format: unknown, text: string) => text;
const request = (over: Partial<RequestJson> = {}): RequestJson => ({
  ...{ delivery: "d-0", channel: "apns", deliveries: 1, provider: "apns", endpoint: "…c757", target: "POST https://a.example/x" },
  ...{ headers: { "apns-topic": "<APNS_TOPIC>" }, form: "json", body: { aps: { badge: 0 } }, bytes: 1_204, bytesMax: 4_096, warnings: [] },
  ...over,
});
const blockOf = (over: Partial<RequestJson>) => previewText({ line: 1, key: "k", deliveries: [], requests: [request(over)] }, plain);

test("a request has its target, headers, body, size and warnings, one below the other", () => {
  const warnings = [{ code: "c", field: "notification.content.push.image_url", message: "is not shown" }];
  assert.equal(
    previewText(
      { line: 3, key: "order-17", notificationId: "n", deliveries: [{ id: "d-0", channel: "apns" }], requests: [request({ warnings })] },
      plain,
    ),
    `line 3  order-17
  1 delivery: apns  n

  apns  to …c757
    POST https://a.example/x
    apns-topic: <APNS_TOPIC>

    {
      "aps": {
        "badge": 0
      }
    }

    ██████░░░░░░░░░░░░░░ 1,204 of 4,096 bytes
    ! notification.content.push.image_url  is not shown
`,
  );
});

test("deliveries are counted by what comes of them", () => {
  const deliveries = [
    { id: "0", channel: "apns" },
    { id: "1", channel: "apns" },
    { id: "2", channel: "fcm", suppressed: "opted-out" },
    { id: "3", channel: "sms", segments: 1, form: "gsm7", destination: "+49" },
    { id: "4", channel: "email", copy: "cc" },
  ];
  assert.match(
    previewText({ line: 1, key: "k", repeated: true, deliveries, requests: [] }, plain),
    /^line 1 {2}k {2}this key was accepted before\n {2}5 deliveries: 2 apns, fcm \(suppressed: opted-out\), sms \(1 segment, gsm7, \+49\), email \(cc\)/,
  );
});

test("sizes are a bar, segments, or an MMS", () => {
  assert.match(blockOf({ bytes: 4_096 }), /█{20} 4,096 of 4,096 bytes/);
  assert.match(blockOf({ bytesMax: undefined, segments: 2, smsForm: "ucs2" }), /^ {4}2 segments of ucs2$/m);
  assert.match(blockOf({ bytesMax: undefined, segments: 0, smsForm: "mms" }), /^ {4}an MMS$/m);
});

test("a long body ends after 60 lines, a cut one says so, and a provider that never sends it says why", () => {
  const body = Array.from({ length: 70 }, (_, i) => `line ${i}`).join("\r\n");
  assert.match(blockOf({ form: "mime", body }), / {4}line 59\n {4}… 10 more lines; --json has them\n/);
  assert.match(blockOf({ form: "mime", body, bodyCut: true }), /… 10 more lines; --json has the first 64 KiB/);
  assert.match(blockOf({ body: '{"html":"<p>', bodyCut: true }), / {4}\{"html":"<p>\n {4}… the rest is left out/);
  assert.match(blockOf({ notSent: "flash-not-supported" }), / {4}never sent by apns: flash-not-supported\n/);
});

test("an error has its code, and each field with its rule", () => {
  const fields = [{ field: "notification.category", rule: "string.pattern", description: "does not match" }];
  const error = { code: "INVALID_ARGUMENT", reason: "INVALID_FIELD", message: "m" };
  const text = previewText({ line: 2, key: "k", error: { ...error, fields } }, plain);
  assert.equal(text, "line 2  k\n  INVALID_ARGUMENT INVALID_FIELD\n  notification.category  does not match\n");
  assert.equal(previewText({ line: 2, error }, plain), "line 2\n  INVALID_ARGUMENT INVALID_FIELD\n  m\n");
});
