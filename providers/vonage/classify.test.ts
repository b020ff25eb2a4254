import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeText } from "../../test/support/outcome-text.ts";
import { testReadmeTable } from "../../test/support/readme-table.ts";
import { classifyVonage, VONAGE_CODES } from "./classify.ts";

const ok = (id: string) => ({ to: "447700900000", "message-id": id, status: "0" });
const rejected = (status: string) => ({ status, "error-text": "words of Vonage's, with a +447700900000 in them" });
const answer = (...messages: unknown[]) => ({
  status: 200,
  body: { "message-count": String(messages.length), messages },
  retryAfterMs: undefined,
});

const rows: [status: string, expected: string][] = [
  ["1", "throttled throttled"],
  ["10", "throttled too-many-connections"],
  ["2", "rejected parameter-missing"],
  ["3", "rejected parameter-invalid"],
  ["6", "rejected unprocessable"],
  ["12", "rejected too-long"],
  ["17", "rejected blocked-by-provider"],
  ["22", "rejected network-code-invalid"],
  ["23", "rejected callback-url-invalid"],
  ["32", "rejected signature-and-secret"],
  ["4", "misconfigured credentials"],
  ["8", "misconfigured account-barred"],
  ["9", "misconfigured no-credit"],
  ["11", "misconfigured not-enabled"],
  ["14", "misconfigured signature"],
  ["15", "misconfigured sender-not-allowed (destination-country)"],
  ["29", "misconfigured demo-account (endpoint)"],
  ["5", "unavailable vonage-5"],
  ["7", "endpoint-gone number-barred"],
  ["33", "endpoint-gone number-deactivated"],
  ["77", "unavailable vonage-77"],
];
for (const [status, expected] of rows)
  test(`status ${status} is ${expected}`, () => {
    const outcome = classifyVonage(answer(rejected(status)));
    assert.equal(outcomeText(outcome), expected);
    assert.doesNotMatch(JSON.stringify(outcome), /words of Vonage/);
  });

test("uses the first part's id as the text's", () => {
  assert.deepEqual(classifyVonage(answer(ok("A1"), ok("A2"))), { kind: "accepted", providerRef: "A1" });
});

test("counts a text of which some parts were rejected as accepted, with a warning", () => {
  assert.deepEqual(classifyVonage(answer(rejected("1"), ok("B2"), rejected("1"))), {
    kind: "accepted",
    providerRef: "B2",
    warning: "parts-rejected 2/3: 1",
  });
});

const https: [status: number, expected: string][] = [
  [401, "misconfigured http-401"],
  [403, "misconfigured http-403"],
  [429, "throttled too-many-requests"],
  [301, "misconfigured http-301"],
  [404, "unavailable http-404"],
  [500, "unanswered http-500"],
  [503, "unanswered http-503"],
];
for (const [status, expected] of https)
  test(`HTTP ${status} is ${expected}`, () => {
    const outcome = classifyVonage({ status, body: undefined, retryAfterMs: undefined });
    assert.equal(outcomeText(outcome), expected);
  });

for (const [name, body] of [
  ["no JSON", undefined],
  ["no parts", { messages: [] }],
  ["a part without a status", { messages: [{}] }],
  ["another shape", "ok"],
] as const)
  test(`HTTP 200 with ${name} leaves the outcome open`, () => {
    assert.deepEqual(classifyVonage({ status: 200, body, retryAfterMs: undefined }), {
      kind: "unanswered",
      fault: { code: "bad-response" },
    });
  });

testReadmeTable({
  readme: new URL("README.md", import.meta.url),
  provider: "Vonage",
  codes: VONAGE_CODES,
  outcomesOf(code) {
    const [, status] = code.split("HTTP ");
    return [
      classifyVonage(status === undefined ? answer(rejected(code)) : { status: Number(status), body: undefined, retryAfterMs: undefined }),
    ];
  },
});
