import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeText } from "../../test/support/outcome-text.ts";
import { testReadmeTable } from "../../test/support/readme-table.ts";
import { classifySendgrid, SENDGRID_CODES } from "./classify.ts";

const now = 1_795_000_000_000;
const answer = (status: number, body?: unknown, headers: Record<string, string> = {}) => ({
  status,
  body,
  headers,
  retryAfterMs: undefined,
  now,
});
const complaint = (field: unknown) => ({ errors: [{ message: "words of SendGrid's about ann@example.org", field, help: null }] });

const rows: [name: string, status: number, body: unknown, expected: string][] = [
  ["a bad recipient", 400, complaint("personalizations.0.to.0.email"), "endpoint-gone invalid-address"],
  ["a recipient missing", 400, complaint("personalizations.0.to"), "endpoint-gone invalid-address"],
  ["a bad argument", 400, complaint("personalizations.0.custom_args"), "rejected field personalizations.0.custom_args"],
  ["a bad sender", 400, complaint("from.email"), "misconfigured sender-invalid (sender)"],
  ["a bad subject", 400, complaint("subject"), "rejected field subject"],
  ["no field", 400, complaint(null), "rejected http-400"],
  ["a field that is foreign text", 400, complaint("ann@example.org"), "rejected http-400"],
  ["no body", 400, undefined, "rejected http-400"],
  ["a wrong key", 401, undefined, "misconfigured http-401"],
  ["an unverified sender", 403, complaint("from"), "misconfigured sender-unverified (sender)"],
  ["a scope that the key lacks", 403, undefined, "misconfigured http-403"],
  ["another region's key", 451, undefined, "misconfigured http-451"],
  ["an unknown path", 404, undefined, "rejected http-404"],
  ["a wrong method", 405, undefined, "rejected http-405"],
  ["too large a mail", 413, undefined, "rejected too-large"],
  ["a wrong type", 415, undefined, "rejected http-415"],
  ["an unknown 4xx", 422, undefined, "rejected http-422"],
  ["a redirection", 301, undefined, "misconfigured http-301"],
  ["a server's fault", 500, undefined, "unanswered http-500"],
  ["a gateway's fault", 502, undefined, "unanswered http-502"],
  ["a gateway's silence", 504, undefined, "unanswered http-504"],
  ["out of service", 503, undefined, "unavailable http-503"],
  ["a success of another kind", 200, undefined, "unanswered http-200"],
];
for (const [name, status, body, expected] of rows)
  test(`${name} (${status}) is ${expected}`, () => {
    const outcome = classifySendgrid(answer(status, body));
    assert.equal(outcomeText(outcome), expected);
    assert.doesNotMatch(JSON.stringify(outcome), /ann@example\.org/);
  });

test("202 is accepted under its X-Message-Id", () => {
  assert.deepEqual(classifySendgrid(answer(202, "", { "x-message-id": "abc" })), { kind: "accepted", providerRef: "abc" });
});

test("202 without an id is accepted all the same", () => {
  assert.deepEqual(classifySendgrid(answer(202)), { kind: "accepted", providerRef: "", warning: "no-message-id" });
});

test("429 waits until the moment SendGrid names", () => {
  const reset = String(now / 1_000 + 12);
  assert.deepEqual(classifySendgrid(answer(429, undefined, { "x-ratelimit-reset": reset })), {
    kind: "throttled",
    reason: "too-many-requests",
    retryAfterMs: 12_000,
  });
});

testReadmeTable({
  readme: new URL("README.md", import.meta.url),
  provider: "SendGrid",
  codes: SENDGRID_CODES,
  outcomesOf: (code) =>
    ["personalizations.0.to.0.email", "from.email", "subject"].map((field) => classifySendgrid(answer(Number(code), complaint(field)))),
});
