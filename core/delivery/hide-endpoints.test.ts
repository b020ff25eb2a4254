import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "./endpoint.ts";
import { hideEndpoints, hideOwnEndpoints } from "./hide-endpoints.ts";

const APNS_TOKEN = "8ed1f00d".repeat(8);
const FCM_TOKEN = `cX1yZ2aB3:APA91b${"Hk3_x-9Q".repeat(15)}`;
const PUSH_URL = "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABm0x_Z9-abc";

const ROWS: readonly [text: string, shown: string][] = [
  ["<hana@example.com> wrote", "<…> wrote"],
  ["550 5.1.1 <hana@example.com>: no such user", "550 5.1.1 <…>: no such user"],
  ["mailto:hana%40example.com", "mailto:…"],
  ["hana%2540example.com twice escaped", "… twice escaped"],
  ["hana&#64;example.com and hana&#x40;example.com", "… and …"],
  ["hana＠example.com", "…"],
  ["hana@bücher.example and 花@例え.jp", "… and …"],
  ["bounces+hana=example.com@mail.example.net", "…"],
  ['"hana kim"@example.com asked', "… asked"],
  ["from +82 10 5550 1017", "from …"],
  ["called 010-5550-1017 twice", "called … twice"],
  ["(0212) 555-0117 or +44 (0) 7700.900123", "… or …"],
  ["tel:%2B82%2010%205550%201017", "tel:…"],
  ["+2905678 is the shortest", "… is the shortest"],
  ["٠١٢٣٤٥٦٧٨٩ in Arabic digits, ０１２３４５６７８９ wide", "… in Arabic digits, … wide"],
  ["010\u00a05550\u20131017", "…"],
  [`the token ${APNS_TOKEN} is dead`, "the token … is dead"],
  [`the token ${APNS_TOKEN.toUpperCase()}`, "the token …"],
  [`fcm:${FCM_TOKEN}.`, "…."],
  ["installation eX5_2nQk8RwTz1bVJ9yLpA and secret tBHItJI5svbpez7KI4CCXg", "installation … and secret …"],
  [`gone: ${PUSH_URL}`, "gone: https://updates.push.services.mozilla.com/…"],
  [encodeURIComponent(PUSH_URL), "https://updates.push.services.mozilla.com/…"],
  ["updates.push.services.mozilla.com/wpush/v2/gAAAAABm0x_Z9-abcdef0123", "updates.push.services.mozilla.…"],
  ["https://ada:secret@example.com/x?token=9", "https://example.com/…"],
];
const SAME = [
  "2026-10-04 19:03, ticket 46112",
  "on 4.10.2026 or 04/10/2026",
  "550 5.1.1 no such user",
  "notification 0123456789abcdef0123456789abcdef",
  "0123456789abcdef0123456789abcdef-0/1: 5.1.1",
  "so-they-asked-again-in-2026-and-were-told",
  "100% of 50%20off",
  "https://tickets.example.com/",
  "broken %E0%A4%A and %zz",
  "",
];

for (const [text, shown] of [...ROWS, ...SAME.map((same) => [same, same] as const)])
  test(`"${text.slice(0, 50)}" is shown as "${shown.slice(0, 50)}"`, () => {
    assert.equal(hideEndpoints(text), shown);
  });

const OWN: readonly [what: string, endpoint: Endpoint, text: string, shown: string][] = [
  ["a number without its country", { channel: "sms", phoneNumber: "+46855501017" }, "555 01-017 rang", "… rang"],
  ["a short number", { channel: "sms", phoneNumber: "+2905678" }, "905678 and 2905678", "905678 and …"],
  ["an address with blanks", { channel: "email", address: "hana@example.com" }, "HANA @ example.com asked", "… asked"],
  [
    "an address with its domain in Unicode",
    { channel: "email", address: "h@xn--bcher-kva.example" },
    "from H@Bücher.example. to=h@bücher.example",
    "from … …",
  ],
  ["an address in a bounce's", { channel: "email", address: "h@example.com" }, "bounces+h=example.com@mail.net", "bounces+…@mail.net"],
  ["a short token", { channel: "fcm", token: "a-token.(1)" }, "a-token.(1) is a-tokenX(1)", "… is a-tokenX(1)"],
  ["a hex token in capitals", { channel: "apns", token: "00aabb" }, "00AABB", "…"],
  [
    "keys of a push subscription",
    { channel: "webpush", pushUrl: "https://push.example.net/a", p256dh: "BKey", auth: "aKey" },
    "push.example.net: bkey akey",
    "push.example.net: … …",
  ],
];
for (const [what, endpoint, text, shown] of OWN)
  test(`the person's own: ${what}`, () => {
    assert.equal(hideOwnEndpoints(text, [endpoint]), shown);
    assert.ok(!hideEndpoints(text, [endpoint]).includes(text), "and where patterns hide more");
  });

test("other people's numbers stay where only the person's own are hidden", () => {
  const own: Endpoint[] = [{ channel: "sms", phoneNumber: "+821055501017" }];
  assert.equal(hideOwnEndpoints("order=2026100455 for 010-5550-1017", own), "order=2026100455 for …");
});

test("a long text of whatever kind takes a moment", () => {
  const own: Endpoint[] = [
    { channel: "sms", phoneNumber: "+821055501017" },
    { channel: "email", address: "hana@example.com" },
  ];
  // What would be tried again from each of its positions does not end within the time that a test may take.
  for (const part of ["a", "1", "1 ", "@", "a@", '"', "%41", "&#64;", "a:/", "://", "5550101", "(("])
    assert.equal(typeof hideEndpoints(part.repeat(200_000 / part.length), own), "string");
});
