import assert from "node:assert/strict";
import { test } from "node:test";
import type { PushContent } from "../../gen/carillon/v1/notification_service.ts";
import { table } from "../table.ts";
import { parseLine } from "./jsonl.ts";
import { LineError } from "./line-values.ts";

const NOW = Date.UTC(2026, 0, 1);
const line = (over: object) => JSON.stringify({ key: "k", user: "ada", category: "orders", sms: { text: "hi" }, ...over });

test("reads a line with relative and absolute times", () => {
  const n = parseLine(line({ sendAt: "+90s", expiresAt: "2026-01-02T00:00:00Z", channels: ["sms"], class: "critical" }), NOW);
  assert.equal(n.sendAt?.getTime(), NOW + 90_000);
  assert.equal(n.expiresAt?.getTime(), NOW + 86_400_000);
  assert.deepEqual([n.channels, n.notificationClass, n.recipient?.to], [[4], 1, { $case: "userId", value: "ada" }]);
});

const api = (over: object, content: object = { push: { title: "t" } }) =>
  JSON.stringify({
    idempotencyKey: "k",
    recipient: { userId: "ada" },
    notificationClass: "NOTIFICATION_CLASS_CRITICAL",
    category: "c",
    content,
    ...over,
  });

test("reads the API's own JSON, its names in either spelling, and every kind of value", () => {
  const push = {
    title: "t",
    badge: 0,
    image_url: "https://a.example/1",
    dataJson: { n: [1, null, { a: true }] },
    relevanceScore: 0.5,
    data: { a: "b" },
  };
  const email = { subject: "s", text: "t", attachments: [{ filename: "f", contentType: "text/plain", content: "aGk=" }] };
  const n = parseLine(api({ sendAt: "2026-01-02T00:00:00Z", ttl_seconds: 0, priority: null }, { push, email }), NOW);
  assert.deepEqual([n.idempotencyKey, n.recipient?.to, n.notificationClass, n.ttlSeconds], ["k", { $case: "userId", value: "ada" }, 1, 0]);
  assert.equal(n.sendAt?.getTime(), NOW + 86_400_000);
  const { badge, imageUrl, dataJson, relevanceScore, data } = JSON.parse(JSON.stringify(n.content!.push!)) as PushContent;
  assert.deepEqual([badge, imageUrl, dataJson, relevanceScore, data], [0, push.image_url, push.dataJson, 0.5, { a: "b" }]);
  assert.equal(n.content?.email?.attachments[0]?.source?.value.toString(), "hi");
});

test("the short form takes the same push, sms and email", () => {
  const n = parseLine(line({ sms: { text: "hi", segments_max: 2 }, push: { background: true, data: { a: "b" } }, ttlSeconds: 0 }), NOW);
  assert.deepEqual([n.content?.sms?.segmentsMax, n.content?.push?.background, n.ttlSeconds], [2, true, 0]);
});

const mistakes: [string, string, RegExp][] = [
  ["text that is not JSON", "{", /the line: is not JSON/],
  ["a key that is given twice", line({}).replace("{", '{"user":"bob",'), /user: is given twice/],
  ["a key that is given twice, deeper", line({}).replace('{"text"', '{"text":"no","text"'), /sms\.text: is given twice/],
  ["lists without end", `{"key":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, /the line: has more than 32 objects and lists/],
  ["an unknown field", line({ chanels: [] }), /chanels: is not a field/],
  ["an unknown channel", line({ channels: ["fax"] }), /channels\[0\]: must be one of apns/],
  ["a number where text belongs", line({ sms: { text: 5 } }), /sms\.text: must be a string/],
  ["half of a character", line({ sms: { text: "hi \ud83d" } }), /sms\.text: has half of a surrogate pair/],
  ["an unreadable time", line({ sendAt: "soon" }), /sendAt: must be RFC 3339/],
  ["a time without a zone", line({ expiresAt: "2026-01-02T00:00:00" }), /expiresAt: must be RFC 3339 with a zone/],
  ["a day that does not exist", line({ sendAt: "2027-02-30T10:00:00Z" }), /sendAt: must be RFC 3339 with a zone and a date that exists/],
  ["a time beyond all calendars", line({ sendAt: "+999999999d" }), /sendAt: must be RFC 3339/],
  ["a day without a time", line({ sendAt: "2026-01-02" }), /sendAt: must be RFC 3339/],
  [
    "an unknown field within",
    line({ push: { actions: [{ id: "a", titel: "x" }] } }),
    /^push\.actions\[0\]\.titel: is not a field; the fields are id, title/,
  ],
  ["an unknown field of the API", api({ expires: "soon" }), /^expires: is not a field; the fields are idempotencyKey, recipient/],
  ["an unknown word of the API", api({ priority: "HIGH" }), /^priority: must be one of PRIORITY_LOW/],
  ["two recipients", api({ recipient: { userId: "a", endpoint: {} } }), /^recipient\.endpoint: must be left out, because userId is given/],
  ["a list that is none", api({ channels: "CHANNEL_SMS" }), /^channels: must be a list, and is a string/],
  ["a map that is none", api({}, { push: { data: ["a"] } }), /^content\.push\.data: must be an object/],
  ["a value of a map", api({}, { push: { data: { a: 1 } } }), /^content\.push\.data\["a"\]: must be a string/],
  ["text for a number", api({}, { push: { badge: "three" } }), /^content\.push\.badge: must be a whole number/],
  ["text for a truth value", api({}, { push: { mutable: "yes" } }), /^content\.push\.mutable: must be true or false/],
  ["a number outside its range", api({}, { push: { badge: 3e9 } }), /int32/],
  ["bytes that are no base64", api({}, { email: { attachments: [{ content: "%" }] } }), /base64/],
  [
    "half of a character in free JSON",
    api({}, { push: { dataJson: { a: ["\ud83d"] } } }),
    /^content\.push\.dataJson\["a"\]\[0\]: has half/,
  ],
  ["a lifetime that is no number", line({ ttlSeconds: "5" }), /^ttlSeconds: must be a whole number/],
  ["two addresses in one endpoint", line({ endpoint: { apnsToken: "a", fcmToken: "b" } }), /endpoint: must have exactly one field/],
];
for (const [what, text, message] of mistakes) {
  test(`names the field and the rule of ${what}`, () => {
    assert.throws(
      () => parseLine(text, NOW),
      (error: unknown) => error instanceof LineError && message.test(error.message),
    );
  });
}

test("a table aligns numbers to the right", () => {
  assert.equal(
    table(
      ["a", "n"],
      [
        ["x", 1],
        ["yy", 20],
      ],
    ),
    "  a    n\n  ──  ──\n  x    1\n  yy  20",
  );
});
