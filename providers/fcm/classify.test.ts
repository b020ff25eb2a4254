import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonOf } from "../../core/delivery/outcome.ts";
import { outcomeText } from "../../test/support/outcome-text.ts";
import { testReadmeTable } from "../../test/support/readme-table.ts";
import { classifyFcm, FCM_CODES, type FcmAnswer } from "./classify.ts";

interface ErrorBody {
  status: string;
  errorCode?: string;
  message?: string;
  fields?: string[];
}
const body = ({ status, errorCode, message = "", fields = [] }: ErrorBody) => ({
  error: {
    status,
    message,
    details: [
      ...(errorCode ? [{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode }] : []),
      ...(fields.length > 0
        ? [{ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: fields.map((field) => ({ field })) }]
        : []),
    ],
  },
});
const summaryOf = (http: number, answer: unknown, over: Partial<FcmAnswer> = {}) => {
  const outcome = classifyFcm({ status: http, body: answer, retryAfterMs: undefined, hasRecentSuccess: true, tokenFresh: true, ...over });
  return outcomeText(outcome);
};

const rows: [string, number, unknown, string][] = [
  [
    "an argument that is the token",
    400,
    body({ status: "INVALID_ARGUMENT", errorCode: "INVALID_ARGUMENT", fields: ["message.token"] }),
    "endpoint-gone INVALID_ARGUMENT token",
  ],
  [
    "an argument that is the installation id",
    400,
    body({ status: "INVALID_ARGUMENT", errorCode: "INVALID_ARGUMENT", fields: ["message.fid"] }),
    "endpoint-gone INVALID_ARGUMENT token",
  ],
  [
    "an argument that only the message text names as the token",
    400,
    body({
      status: "INVALID_ARGUMENT",
      errorCode: "INVALID_ARGUMENT",
      message: "The registration token is not a valid FCM registration token",
    }),
    "endpoint-gone INVALID_ARGUMENT token",
  ],
  [
    "another argument, whatever the message text",
    400,
    body({ status: "INVALID_ARGUMENT", errorCode: "INVALID_ARGUMENT", message: "registration token", fields: ["message.data"] }),
    "rejected INVALID_ARGUMENT message.data",
  ],
  [
    "an argument whose field is no path, and long",
    400,
    body({ status: "INVALID_ARGUMENT", errorCode: "INVALID_ARGUMENT", fields: [`message.data["a\n<b>"]${"x".repeat(200)}`] }),
    "rejected INVALID_ARGUMENT message.data",
  ],
  ["an argument without FcmError", 400, body({ status: "INVALID_ARGUMENT", message: "Invalid JSON" }), "rejected INVALID_ARGUMENT"],
  ["a token that is gone", 404, body({ status: "NOT_FOUND", errorCode: "UNREGISTERED" }), "endpoint-gone UNREGISTERED"],
  ["a project that is not there", 404, body({ status: "NOT_FOUND" }), "misconfigured project-not-found"],
  [
    "another project's token",
    403,
    body({ status: "PERMISSION_DENIED", errorCode: "SENDER_ID_MISMATCH" }),
    "endpoint-gone SENDER_ID_MISMATCH",
  ],
  ["a missing role", 403, body({ status: "PERMISSION_DENIED" }), "misconfigured PERMISSION_DENIED"],
  [
    "the project's own credential at APNs",
    401,
    body({ status: "UNAUTHENTICATED", errorCode: "THIRD_PARTY_AUTH_ERROR" }),
    "misconfigured THIRD_PARTY_AUTH_ERROR (target-platform)",
  ],
  ["a fresh access token rejected", 401, body({ status: "UNAUTHENTICATED" }), "misconfigured UNAUTHENTICATED"],
  ["a quota", 429, body({ status: "RESOURCE_EXHAUSTED", errorCode: "QUOTA_EXCEEDED" }), "throttled QUOTA_EXCEEDED"],
  ["unwell", 503, body({ status: "UNAVAILABLE", errorCode: "UNAVAILABLE" }), "unavailable UNAVAILABLE"],
  ["broken inside", 500, body({ status: "INTERNAL", errorCode: "INTERNAL" }), "unanswered INTERNAL"],
  ["an intermediary's page", 502, "<html>Bad Gateway</html>", "unanswered http-502"],
  ["a 503 that is not FCM's", 503, "<html>", "unanswered http-503"],
  ["a page that forbids", 403, "<html>", "misconfigured http-403"],
  ["an unknown code", 400, body({ status: "toString", errorCode: "constructor" }), "rejected http-400"],
  ["an unknown 4xx", 422, {}, "rejected http-422"],
];
for (const [name, http, answer, expected] of rows) test(`${name} is ${expected}`, () => assert.equal(summaryOf(http, answer), expected));

test("rejection of an old access token is a temporary fault", () => {
  assert.equal(summaryOf(401, body({ status: "UNAUTHENTICATED" }), { tokenFresh: false }), "unavailable access-token-expired");
});

test("a token counts as another project's only after another token was accepted", () => {
  const answer = body({ status: "PERMISSION_DENIED", errorCode: "SENDER_ID_MISMATCH" });
  assert.equal(summaryOf(403, answer, { hasRecentSuccess: false }), "misconfigured SENDER_ID_MISMATCH (endpoint)");
});

test("an exceeded quota without Retry-After waits one minute", () => {
  const answer = body({ status: "RESOURCE_EXHAUSTED", errorCode: "QUOTA_EXCEEDED" });
  const outcome = classifyFcm({ status: 429, body: answer, retryAfterMs: undefined, hasRecentSuccess: true, tokenFresh: true });
  assert.deepEqual(outcome, { kind: "throttled", retryAfterMs: 60_000, reason: "QUOTA_EXCEEDED" });
});

testReadmeTable({
  readme: new URL("./README.md", import.meta.url),
  provider: "FCM",
  codes: FCM_CODES,
  outcomesOf: (code) =>
    [{ status: "", errorCode: code }, { status: code }].flatMap((answer) =>
      ["message.token", "message.data"].flatMap((field) =>
        [true, false]
          .map((well) =>
            classifyFcm({
              status: 0,
              body: body({ ...answer, fields: [field] }),
              retryAfterMs: undefined,
              hasRecentSuccess: well,
              tokenFresh: well,
            }),
          )
          // Most of them yield one or the other; status 0 is never sent.
          .filter((outcome) => reasonOf(outcome) !== "http-0"),
      ),
    ),
});
