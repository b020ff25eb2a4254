import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeText } from "../../test/support/outcome-text.ts";
import { testReadmeTable } from "../../test/support/readme-table.ts";
import { classifyWebPush, WEBPUSH_CODES } from "./classify.ts";

const summaryOf = (status: number, body = "", hasRecentSuccess = false) => {
  const outcome = classifyWebPush({ status, body, retryAfterMs: 7_000, hasRecentSuccess });
  const wait = "retryAfterMs" in outcome ? ` after ${outcome.retryAfterMs}` : "";
  return `${outcomeText(outcome)}${wait}`;
};

const rows: [string, number, string, string][] = [
  ["a moved endpoint", 301, "", "endpoint-gone moved"],
  ["a bad header", 400, '{"errno":111,"message":"Missing TTL"}', "rejected http-400"],
  ["a bad VAPID token at Chrome's", 400, "UnauthorizedRegistration", "misconfigured vapid-rejected http-400 (endpoint)"],
  ["no VAPID token", 401, '{"errno":109}', "misconfigured vapid-rejected http-401 (endpoint)"],
  ["a VAPID token rejected", 403, '{"reason":"BadJwtToken"}', "misconfigured vapid-rejected http-403 (endpoint)"],
  ["an unknown subscription", 404, '{"errno":102}', "endpoint-gone http-404"],
  ["a subscription that ended", 410, '{"errno":106}', "endpoint-gone http-410"],
  ["throttling at Windows'", 406, "", "throttled http-406 after 7000"],
  ["a push too large", 413, '{"errno":104}', "rejected payload-too-large"],
  ["too many", 429, "", "throttled http-429 after 7000"],
  ["broken inside", 500, "", "unanswered http-500"],
  ["unwell", 503, '{"errno":201}', "unavailable http-503 after 7000"],
  ["a bridge's rejection", 502, '{"code":502,"errno":901}', "unavailable http-502 after 7000"],
  ["a bridge's silence", 502, '{"code":502,"errno":903}', "unanswered http-502"],
  ["an intermediary's page", 502, "<html>", "unanswered http-502"],
  ["an intermediary's silence", 504, "", "unanswered http-504"],
  ["an unknown 4xx", 418, "", "rejected http-418"],
];
for (const [name, status, body, expected] of rows)
  test(`${name} (${status}) is ${expected}`, () => assert.equal(summaryOf(status, body), expected));

test("a key rejected for one subscription only does not stop the others", () => {
  assert.equal(summaryOf(403, "", true), "rejected vapid-rejected http-403");
});

test("no error is classified as accepted", () => {
  for (const status of [...WEBPUSH_CODES.map(Number), 300, 418, 599]) assert.doesNotMatch(summaryOf(status), /^accepted/);
});

testReadmeTable({
  readme: new URL("./README.md", import.meta.url),
  provider: "push service",
  codes: WEBPUSH_CODES,
  outcomesOf: (code) =>
    ["", '{"errno":901}', "UnauthorizedRegistration"].flatMap((body) =>
      [true, false].map((hasRecentSuccess) => classifyWebPush({ status: Number(code), body, retryAfterMs: undefined, hasRecentSuccess })),
    ),
});
