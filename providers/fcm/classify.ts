import type { Outcome } from "../../core/delivery/outcome.ts";
import { answerTable, gone, misconfigured, rejected, throttled, unanswered, unavailable, undocumented } from "../answer-table.ts";

/** What FCM answered, other than success. */
export interface FcmAnswer {
  status: number;
  /** Parsed JSON; undefined where it was none. */
  body: unknown;
  retryAfterMs: number | undefined;
  /** Something else was accepted lately, so project and credentials are right. */
  hasRecentSuccess: boolean;
  /** The access token was fresh when it was used, so another one would not help. */
  tokenFresh: boolean;
}

/** Firebase: FCM throttling and quotas ("wait … at least 60 seconds" where no Retry-After is given). In ms. */
const QUOTA_WAIT_MS = 60_000;

const badArgument = ({ body }: FcmAnswer) => {
  if (blamesToken(body)) return gone("INVALID_ARGUMENT token");
  return rejected(["INVALID_ARGUMENT", namedField(body)].filter(Boolean).join(" "));
};
const overQuota = ({ retryAfterMs }: FcmAnswer) => throttled("QUOTA_EXCEEDED", retryAfterMs ?? QUOTA_WAIT_MS);
const unwell =
  (code: string) =>
  ({ retryAfterMs }: FcmAnswer) =>
    unavailable(code, retryAfterMs);

/** FCM may have failed after it accepted the push. */
const brokenInside = unanswered("INTERNAL");

/** By FcmError.errorCode. Firebase: ErrorCode (FCM REST reference). The SDK's codes are no substitute: it has one for several of these. */
const BY_ERROR_CODE = answerTable<FcmAnswer>({
  INVALID_ARGUMENT: badArgument,
  UNREGISTERED: gone("UNREGISTERED"),
  // Either this token is another project's, or our key is.
  SENDER_ID_MISMATCH: ({ hasRecentSuccess }) =>
    hasRecentSuccess ? gone("SENDER_ID_MISMATCH") : misconfigured("SENDER_ID_MISMATCH", "endpoint"),
  QUOTA_EXCEEDED: overQuota,
  UNAVAILABLE: unwell("UNAVAILABLE"),
  INTERNAL: brokenInside,
  // The Firebase project's own credentials at APNs or for Web Push: Android devices are not concerned.
  THIRD_PARTY_AUTH_ERROR: misconfigured("THIRD_PARTY_AUTH_ERROR", "target-platform"),
});

/** By google.rpc.Status.status, where no FcmError says more. Google: AIP-193, and cloud.google.com/apis/design/errors. */
const BY_STATUS = answerTable<FcmAnswer>({
  INVALID_ARGUMENT: badArgument,
  // No such project or path. Not a dead token, which is UNREGISTERED: otherwise a mistyped project would delete every token.
  NOT_FOUND: misconfigured("project-not-found"),
  // The API is switched off, or a role is missing.
  PERMISSION_DENIED: misconfigured("PERMISSION_DENIED"),
  UNAUTHENTICATED: ({ tokenFresh }) => (tokenFresh ? misconfigured("UNAUTHENTICATED") : unavailable("access-token-expired")),
  RESOURCE_EXHAUSTED: overQuota,
  UNAVAILABLE: unwell("UNAVAILABLE"),
  INTERNAL: brokenInside,
});
export const FCM_CODES = [...new Set([...BY_ERROR_CODE.codes, ...BY_STATUS.codes])];

/** The default for what Google does not list: a 4xx rejected the push; after anything else, an intermediary's page included, it is unknown whether it was sent. */
export function classifyFcm(answer: FcmAnswer): Outcome {
  const { status, body, retryAfterMs } = answer;
  const error = readError(body);
  const code = `http-${status}`;
  const documented = BY_ERROR_CODE.outcomeOf(error.errorCode, answer) ?? BY_STATUS.outcomeOf(error.status, answer);
  if (documented !== undefined) return documented;
  if (status === 401 || status === 403) return misconfigured(code);
  if (status === 429) return throttled(code, retryAfterMs ?? QUOTA_WAIT_MS);
  return undocumented(status);
}

const FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";

function readError(body: unknown): { errorCode: string | undefined; status: string | undefined; message: string; fields: string[] } {
  const error = fieldsOf(fieldsOf(body).error);
  const details = listOf(error.details).map(fieldsOf);
  const errorCode = details.find((d) => d["@type"] === FCM_ERROR)?.errorCode;
  const fields = details
    .filter((d) => d["@type"] === BAD_REQUEST)
    .flatMap((d) => listOf(d.fieldViolations))
    .map((v) => textOf(fieldsOf(v).field) ?? "");
  return { errorCode: textOf(errorCode), status: textOf(error.status), message: textOf(error.message) ?? "", fields };
}

/** FCM distinguishes a bad token or installation id from a bad message by the field it names, and where it names none, only by this text. */
function blamesToken(body: unknown): boolean {
  const { fields, message } = readError(body);
  return fields.length > 0
    ? fields.every((f) => f === "message.token" || f === "message.fid")
    : /registration token|installation id/i.test(message);
}

/** Characters of a field's path that a reason shows; FCM's longest is below 80. */
const FIELD_CHARS_MAX = 100;
/** A path of names and places. It ends at a field in which the app chose the names: those may name somebody. */
const FIELD = /^[a-z_]+(?:(?<!\.(?:data|headers|custom_?data))(?:\.[a-z_]+|\[\d{1,4}\]))*/i;

/** The field of the message that FCM found wrong, such as message.android.notification.color; it comes from outside. */
const namedField = (body: unknown) => (FIELD.exec(readError(body).fields[0] ?? "")?.[0] ?? "").slice(0, FIELD_CHARS_MAX);

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);
