import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeText } from "../../test/support/outcome-text.ts";
import { testReadmeTable } from "../../test/support/readme-table.ts";
import { classifyTwilio, TWILIO_CODES } from "./classify.ts";

const rows: [status: number, code: number | undefined, expected: string][] = [
  [401, 20003, "misconfigured authentication"],
  [404, 20404, "misconfigured account-not-found"],
  [429, 20429, "throttled too-many-requests"],
  [500, 20500, "unanswered twilio-20500"],
  [503, 20503, "unanswered twilio-20503"],
  [400, 21211, "endpoint-gone invalid-number"],
  [400, 21614, "endpoint-gone not-a-mobile-number"],
  [400, 21635, "endpoint-gone landline"],
  [400, 21610, "rejected 21610 (learned: stop)"],
  [400, 21212, "misconfigured sender-invalid (sender)"],
  [400, 21606, "misconfigured sender-cannot-sms (sender)"],
  [400, 21659, "misconfigured sender-not-owned (sender)"],
  [400, 21660, "misconfigured sender-of-another-account (sender)"],
  [400, 21657, "misconfigured sender-not-allowed (destination-country)"],
  [400, 21408, "misconfigured region-not-enabled (destination-country)"],
  [400, 21608, "misconfigured trial-account (endpoint)"],
  [400, 21703, "misconfigured messaging-service-empty (sender)"],
  [400, 21705, "misconfigured messaging-service-invalid (sender)"],
  [400, 21602, "rejected body-missing"],
  [400, 21603, "rejected from-missing"],
  [400, 21604, "rejected to-missing"],
  [400, 21619, "rejected content-missing"],
  [400, 21617, "rejected body-too-long"],
  [400, 21624, "rejected validity-period"],
  [400, 21620, "rejected media-url-invalid"],
  [400, 21623, "rejected media-too-many"],
  [400, 90007, "rejected content-invalid"],
  [400, 21611, "throttled sender-queue-full (sender)"],
  [400, 63038, "throttled daily-limit"],
  [400, 21612, "unavailable no-route (destination-country)"],
  [400, 29999, "rejected twilio-29999"],
  [503, 29999, "unanswered http-503"],
  [401, undefined, "misconfigured http-401"],
  [403, undefined, "misconfigured http-403"],
  [302, undefined, "misconfigured http-302"],
  [418, undefined, "unavailable http-418"],
  [429, undefined, "throttled too-many-requests"],
  [502, undefined, "unanswered http-502"],
  [200, undefined, "unanswered http-200"],
];
for (const [status, code, expected] of rows)
  test(`HTTP ${status} with ${code === undefined ? "no code" : `code ${code}`} is ${expected}`, () => {
    const outcome = classifyTwilio({ status, code, retryAfterMs: undefined });
    assert.equal(outcomeText(outcome), expected);
  });

test("waits as long as Twilio asks", () => {
  const outcome = classifyTwilio({ status: 429, code: 20429, retryAfterMs: 7_000 });
  assert.deepEqual(outcome, { kind: "throttled", reason: "too-many-requests", retryAfterMs: 7_000 });
});

test("waits an hour once the day's limit is reached", () => {
  const outcome = classifyTwilio({ status: 400, code: 63038, retryAfterMs: undefined });
  assert.deepEqual(outcome, { kind: "throttled", reason: "daily-limit", retryAfterMs: 3_600_000 });
});

testReadmeTable({
  readme: new URL("README.md", import.meta.url),
  provider: "Twilio",
  codes: TWILIO_CODES,
  outcomesOf(code) {
    const [, status] = code.split("HTTP ");
    const answer = status === undefined ? { status: 400, code: Number(code) } : { status: Number(status), code: undefined };
    return [classifyTwilio({ ...answer, retryAfterMs: undefined })];
  },
});
