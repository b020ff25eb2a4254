import type { Outcome } from "../../core/outcome.ts";

/** What FCM answered, other than success. */
export interface FcmAnswer {
  status: number;
  /** Parsed JSON, or text where it was none. */
  body: unknown;
  retryAfterMs: number | undefined;
  /** Something else was accepted lately, so project and credentials are right. */
  proven: boolean;
  /** The access token was fresh when it was used, so another one would fare no better. */
  tokenFresh: boolean;
}

/** Firebase: FCM throttling and quotas ("wait … at least 60 seconds" where no Retry-After is given). In ms. */
const QUOTA_WAIT_MS = 60_000;

type Row = (answer: FcmAnswer) => Outcome;
const misconfigured =
  (reason: string): Row =>
  () => ({ kind: "misconfigured", reason });
const unavailable =
  (code: string): Row =>
  ({ retryAfterMs }) => ({ kind: "unavailable", fault: { code }, retryAfterMs });

/** By FcmError.errorCode. Firebase: ErrorCode (FCM REST reference). The SDK's codes are no substitute: it has one for several of these. */
const BY_ERROR_CODE: Readonly<Record<string, Row>> = {
  INVALID_ARGUMENT: (answer) =>
    blamesToken(answer.body)
      ? { kind: "endpoint-gone", reason: "INVALID_ARGUMENT token", goneAt: undefined }
      : { kind: "rejected", reason: "INVALID_ARGUMENT" },
  UNREGISTERED: () => ({ kind: "endpoint-gone", reason: "UNREGISTERED", goneAt: undefined }),
  // Either this token is another project's, or our key is.
  SENDER_ID_MISMATCH: ({ proven }) =>
    proven
      ? { kind: "endpoint-gone", reason: "SENDER_ID_MISMATCH", goneAt: undefined }
      : { kind: "misconfigured", reason: "SENDER_ID_MISMATCH" },
  QUOTA_EXCEEDED: ({ retryAfterMs }) => ({ kind: "throttled", retryAfterMs: retryAfterMs ?? QUOTA_WAIT_MS, reason: "QUOTA_EXCEEDED" }),
  UNAVAILABLE: unavailable("UNAVAILABLE"),
  INTERNAL: unavailable("INTERNAL"),
  // The Firebase project's own credentials at APNs or for Web Push.
  THIRD_PARTY_AUTH_ERROR: misconfigured("THIRD_PARTY_AUTH_ERROR"),
};

/** By google.rpc.Status.status, where no FcmError says more. Google: AIP-193, and cloud.google.com/apis/design/errors. */
const BY_STATUS: Readonly<Record<string, Row>> = {
  INVALID_ARGUMENT: BY_ERROR_CODE.INVALID_ARGUMENT!,
  // No such project or path; a token that is gone says UNREGISTERED. Taken for one, a mistyped project would delete every token.
  NOT_FOUND: misconfigured("project-not-found"),
  // The API is switched off, or a role is missing.
  PERMISSION_DENIED: misconfigured("PERMISSION_DENIED"),
  UNAUTHENTICATED: ({ tokenFresh }) =>
    tokenFresh ? { kind: "misconfigured", reason: "UNAUTHENTICATED" } : { kind: "unavailable", fault: { code: "access-token-expired" } },
  RESOURCE_EXHAUSTED: BY_ERROR_CODE.QUOTA_EXCEEDED!,
  UNAVAILABLE: unavailable("UNAVAILABLE"),
  INTERNAL: unavailable("INTERNAL"),
};

/** The default for what Google does not list: a 4xx refused the push; after anything else, an intermediary's page included, nobody knows. */
export function classifyFcm(answer: FcmAnswer): Outcome {
  const { errorCode, status } = readError(answer.body);
  const row = BY_ERROR_CODE[errorCode ?? ""] ?? BY_STATUS[status ?? ""];
  if (row !== undefined) return row(answer);
  const code = `http-${answer.status}`;
  if (answer.status === 401 || answer.status === 403) return { kind: "misconfigured", reason: code };
  if (answer.status === 429) return { kind: "throttled", retryAfterMs: answer.retryAfterMs ?? QUOTA_WAIT_MS, reason: code };
  if (answer.status >= 400 && answer.status < 500) return { kind: "rejected", reason: code };
  return { kind: "unanswered", fault: { code } };
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

/** FCM tells a bad token from a bad message by the field it names, and where it names none only by these words. */
function blamesToken(body: unknown): boolean {
  const { fields, message } = readError(body);
  return fields.length > 0 ? fields.every((f) => f === "message.token") : /registration token/i.test(message);
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);

export const FCM_ERROR_CODES = Object.keys(BY_ERROR_CODE);
