import assert from "node:assert/strict";
import { test } from "node:test";
import { Errors } from "apns2";
import { outcomeText } from "../../test/support/outcome-text.ts";
import { testReadmeTable } from "../../test/support/readme-table.ts";
import { APNS_CODES, type ApnsAnswer, classifyApns } from "./classify.ts";

const summaryOf = (status: number, reason: string, over: Partial<ApnsAnswer> = {}) => {
  const outcome = classifyApns({ status, reason, timestamp: undefined, hasRecentSuccess: true, tokenReplaceable: true, ...over });
  return outcomeText(outcome);
};

test("every documented answer keeps Apple's reason, and none is classified as accepted", () => {
  for (const answer of APNS_CODES) {
    const [status, reason = ""] = answer.split(" ");
    assert.doesNotMatch(summaryOf(Number(status), reason), /^accepted/, answer);
    assert.match(summaryOf(Number(status), reason), new RegExp(` ${reason}\\b`));
  }
});

test("every reason that apns2 knows of Apple has a row", () => {
  const notOfApple: readonly string[] = [Errors.error, Errors.unknownError, Errors.invalidSigningKey];
  const known = new Set(APNS_CODES.map((code) => code.split(" ")[1]));
  assert.deepEqual(
    Object.values(Errors).filter((reason) => !known.has(reason) && !notOfApple.includes(reason)),
    [],
  );
});

const rows: [number, string, string][] = [
  [400, "BadCollapseId", "rejected BadCollapseId"],
  [400, "TopicDisallowed", "misconfigured TopicDisallowed (sender)"],
  [400, "IdleTimeout", "unavailable IdleTimeout"],
  [403, "InvalidProviderToken", "misconfigured InvalidProviderToken"],
  [410, "Unregistered", "endpoint-gone Unregistered"],
  [410, "ExpiredToken", "endpoint-gone ExpiredToken"],
  [413, "PayloadTooLarge", "rejected PayloadTooLarge"],
  [429, "TooManyRequests", "throttled TooManyRequests (endpoint)"],
  [500, "InternalServerError", "unanswered InternalServerError"],
  [503, "Shutdown", "unavailable Shutdown"],
  [418, "Teapot", "rejected http-418"],
  [429, "UnknownError", "throttled http-429"],
  [502, "UnknownError", "unanswered http-502"],
  [503, "UnknownError", "unanswered http-503"],
];
for (const [status, reason, expected] of rows)
  test(`${status} ${reason} is ${expected}`, () => assert.equal(summaryOf(status, reason), expected));

test("a device token of the wrong environment is only gone once another push was accepted", () => {
  for (const reason of ["BadDeviceToken", "DeviceTokenNotForTopic"]) {
    assert.equal(summaryOf(400, reason, { hasRecentSuccess: true }), `endpoint-gone ${reason}`);
    assert.equal(summaryOf(400, reason, { hasRecentSuccess: false }), `rejected ${reason}`);
  }
});

test("an expired signing token is a temporary fault only if a new one may be made", () => {
  assert.equal(summaryOf(403, "ExpiredProviderToken", { tokenReplaceable: true }), "unavailable ExpiredProviderToken");
  assert.equal(summaryOf(403, "ExpiredProviderToken", { tokenReplaceable: false }), "misconfigured ExpiredProviderToken");
});

test("an unregistered device is gone since the time in the answer", () => {
  const outcome = classifyApns({
    status: 410,
    reason: "Unregistered",
    timestamp: 1_700_000_000_000,
    hasRecentSuccess: false,
    tokenReplaceable: false,
  });
  assert.deepEqual(outcome, { kind: "endpoint-gone", reason: "Unregistered", goneAt: 1_700_000_000_000 });
});

testReadmeTable({
  readme: new URL("./README.md", import.meta.url),
  provider: "APNs",
  codes: APNS_CODES,
  outcomesOf(code) {
    const [status, reason = ""] = code.split(" ");
    return [true, false].map((well) =>
      classifyApns({ status: Number(status), reason, timestamp: undefined, hasRecentSuccess: well, tokenReplaceable: well }),
    );
  },
});
