import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeText } from "../../test/support/outcome-text.ts";
import { testReadmeTable } from "../../test/support/readme-table.ts";
import { classifyMandrill, MANDRILL_CODES } from "./classify.ts";

const sent = (fields: Record<string, unknown>) => ({
  status: 200,
  body: [{ email: "ann@example.org", _id: "m1", reject_reason: null, ...fields }],
  retryAfterMs: undefined,
});
const failed = (status: number, name?: string) => ({
  status,
  body: name === undefined ? undefined : { status: "error", code: -1, name, message: "words of Mandrill's with key-123 in them" },
  retryAfterMs: undefined,
});

test("sent is accepted under its id", () => {
  assert.deepEqual(classifyMandrill(sent({ status: "sent" })), { kind: "accepted", providerRef: "m1" });
});

test("queued is accepted, and the reason is a warning", () => {
  assert.deepEqual(classifyMandrill(sent({ status: "queued", queued_reason: "sending-paused" })), {
    kind: "accepted",
    providerRef: "m1",
    warning: "queued: sending-paused",
  });
  assert.deepEqual(classifyMandrill(sent({ status: "queued" })), { kind: "accepted", providerRef: "m1" });
});

const rejections: [reason: string, expected: string][] = [
  ["hard-bounce", "rejected hard-bounce (learned: bounce)"],
  ["spam", "rejected spam (learned: complaint)"],
  ["unsub", "rejected unsub (learned: unsubscribe)"],
  ["invalid", "endpoint-gone invalid"],
  ["soft-bounce", "rejected soft-bounce"],
  ["custom", "rejected denylisted"],
  ["invalid-sender", "misconfigured sender-invalid (sender)"],
  ["unsigned", "misconfigured sender-domain-unsigned (sender)"],
  ["rule", "misconfigured account-rule (endpoint)"],
  ["test-mode-limit", "misconfigured test-mode-limit"],
  ["something-new", "rejected mandrill-something-new"],
  ["Foreign text about ann@example.org", "rejected mandrill-rejected"],
];
for (const [reason, expected] of rejections)
  test(`rejected for ${reason} is ${expected}`, () => {
    const outcome = classifyMandrill(sent({ status: "rejected", reject_reason: reason }));
    assert.equal(outcomeText(outcome), expected);
  });

test("an invalid address is gone", () => {
  assert.deepEqual(classifyMandrill(sent({ status: "invalid" })), { kind: "endpoint-gone", reason: "invalid", goneAt: undefined });
});

const errors: [status: number, name: string | undefined, expected: string][] = [
  [401, "Invalid_Key", "misconfigured authentication"],
  [500, "Invalid_Key", "misconfigured authentication"],
  [402, "PaymentRequired", "misconfigured payment-required"],
  [404, "Unknown_Subaccount", "misconfigured subaccount"],
  [400, "ValidationError", "rejected validation"],
  [500, "ValidationError", "rejected validation"],
  [404, "Unknown_Template", "rejected template"],
  [500, "GeneralError", "unanswered mandrill-general-error"],
  [429, undefined, "throttled too-many-requests"],
  [503, undefined, "unavailable http-503"],
  [403, undefined, "misconfigured http-403"],
  [302, undefined, "misconfigured http-302"],
  [400, "Something_New", "rejected http-400"],
  [500, "Something_New", "unanswered http-500"],
  [502, undefined, "unanswered http-502"],
];
for (const [status, name, expected] of errors)
  test(`HTTP ${status} with ${name ?? "no name"} is ${expected}`, () => {
    const outcome = classifyMandrill(failed(status, name));
    assert.equal(outcomeText(outcome), expected);
    assert.doesNotMatch(JSON.stringify(outcome), /words of Mandrill/);
  });

for (const [name, body] of [
  ["no JSON", undefined],
  ["no recipient in it", []],
  ["an unknown state", [{ status: "pondered" }]],
  ["an object", { status: "sent" }],
] as const)
  test(`HTTP 200 with ${name} leaves the outcome open`, () => {
    assert.deepEqual(classifyMandrill({ status: 200, body, retryAfterMs: undefined }), {
      kind: "unanswered",
      fault: { code: "bad-response" },
    });
  });

testReadmeTable({
  readme: new URL("README.md", import.meta.url),
  provider: "Mandrill",
  codes: MANDRILL_CODES,
  outcomesOf(code) {
    const [, httpStatus] = code.split("HTTP ");
    if (httpStatus !== undefined) return [classifyMandrill(failed(Number(httpStatus)))];
    if (/[A-Z]/.test(code)) return [classifyMandrill(failed(500, code))];
    const [status, reject_reason] = code.split(" ");
    return [classifyMandrill(sent({ status, reject_reason }))];
  },
});
