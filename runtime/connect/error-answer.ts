import { type CallError, callError } from "../call-error.ts";
import { describeError } from "../grpc/status.ts";
import type { HttpResponse } from "../http/listener.ts";
import type { HttpRejection } from "../http/rejections.ts";
import { CONNECT_CODES } from "./codes.ts";
import { errorInJsonNames } from "./field-names.ts";

/** An answer is for its caller alone: no cache may keep it. */
export const ANSWER_HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** A request that is rejected before a handler sees it. */
export interface HttpFault {
  readonly error: CallError;
  /** Absent: that of the error's code. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly rejected: HttpRejection;
}

/** Connect's error as JSON, with the details of the gRPC status: as base64 for clients, and as JSON for people. */
export function errorAnswer(
  given: CallError,
  {
    status,
    headers,
    rejected,
    isProtoSpelling = false,
  }: Partial<Omit<HttpFault, "error">> & { isProtoSpelling?: boolean | undefined } = {},
): HttpResponse {
  const error = isProtoSpelling ? given : errorInJsonNames(given);
  const [code, usual] = CONNECT_CODES[error.code];
  const { message, details } = describeError(error);
  const body = {
    code,
    message,
    details: details.map(({ type, value, json }) => ({
      type,
      value: Buffer.from(value).toString("base64").replace(/=+$/, ""),
      debug: json,
    })),
  };
  return {
    status: status ?? usual,
    headers: {
      ...ANSWER_HEADERS,
      "content-type": "application/json",
      ...(error.retryAfterMs !== undefined && { "retry-after": String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000))) }),
      ...(error.code === "UNAUTHENTICATED" && { "www-authenticate": "Bearer" }),
      ...headers,
    },
    body: JSON.stringify(body),
    ...(rejected && { rejected }),
  };
}

export const malformed = (message: string, rejected: HttpRejection = "malformed"): HttpFault => ({
  error: callError("INVALID_ARGUMENT", "MALFORMED", message),
  rejected,
});
