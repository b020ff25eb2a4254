// Why a call fails, free of any transport: gRPC turns it into a status (grpc/status.ts), an HTTP server could turn it into its own.

import { cut } from "./text.ts";

/** One field of a request that breaks a rule. */
export interface Violation {
  /** Path in the request, such as notification.recipient.endpoint.phone_number, channels[2], data["k"]. */
  field: string;
  /** The rule's id in protovalidate, such as string.pattern. */
  rule: string;
  /** What the rule asks for. Never contains the value that was sent. */
  message: string;
}

/** The names of google.rpc.Code, without OK. */
export type CallCode =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** Why a call failed, for programs; the `reason` of google.rpc.ErrorInfo in the domain "carillon". */
export type CallReason =
  | "INVALID_FIELD"
  | "MALFORMED"
  | "MESSAGE_TOO_LARGE"
  | "UNIMPLEMENTED"
  | "KEY_REUSED"
  | "UNAUTHENTICATED"
  | "CHANNEL_NOT_ENABLED"
  | "CHANNEL_NOT_SERVED"
  | "CLASS_NOT_ENABLED"
  | "DESTINATION_NOT_ALLOWED"
  | "SENDER_NOT_ALLOWED"
  | "OVERRIDE_NOT_ENABLED"
  | "NOTIFICATION_TOO_LARGE"
  | "TOO_MANY_OPT_OUTS"
  | "TOO_MANY_CATEGORIES"
  | "CATEGORY_REQUIRED"
  | "ERASED"
  | "NO_ERASURE_KEY"
  | "LINKS_OFF"
  | "RATE_LIMITED"
  | "OPEN_LIMIT"
  | "SCHEDULED_LIMIT"
  | "DAILY_LIMIT"
  | "TOO_MANY_ENDPOINTS"
  | "TOO_MANY_USERS"
  | "NOT_FOUND"
  | "OVERLOADED"
  | "UNAVAILABLE"
  | "DEADLINE"
  | "CANCELLED"
  | "INTERNAL";

/** The answer to a call that failed. A handler returns it, or throws it from a nested function. */
export interface CallError {
  kind: "call-error";
  code: CallCode;
  reason: CallReason;
  /** For people. Never contains what the caller sent. */
  message: string;
  fields?: readonly Violation[];
  /** ms until a retry is useful. */
  retryAfterMs?: number;
  /** The limit that was reached, as google.rpc.QuotaFailure has it. */
  quota?: { subject: string; description: string };
}

export const callError = (
  code: CallCode,
  reason: CallReason,
  message: string,
  more: Pick<CallError, "fields" | "retryAfterMs" | "quota"> = {},
): CallError => ({ kind: "call-error", code, reason, message, ...more });

export const isCallError = (value: unknown): value is CallError =>
  typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "call-error";

/** UTF-16 code units of a field's path. Only the keys of a map and of JSON make one long. */
export const PATH_CHARACTERS_MAX = 200;

/** UTF-16 code units of an error's message. */
export const MESSAGE_CHARACTERS_MAX = 500;
/** UTF-16 code units of what an error says of one field: some list all values that the field may have. */
export const DESCRIPTION_CHARACTERS_MAX = 1_500;
/** INVALID_ARGUMENT with every field; the message names the first field and its rule. A rule on the whole request has no field. Paths are cut: callers choose the keys in them. */
export function invalidRequest(violations: readonly Violation[]): CallError {
  const fields = violations.map((violation) => ({ ...violation, field: cut(violation.field, PATH_CHARACTERS_MAX) }));
  const [first, ...rest] = fields;
  const more = rest.length > 0 ? ` (and ${rest.length} more)` : "";
  const where = first && first.field !== "" ? `${first.field}: ` : "";
  return callError("INVALID_ARGUMENT", "INVALID_FIELD", first ? `${where}${first.message}${more}` : "invalid", { fields });
}

/** The numbers of google.rpc.Code, as gRPC and the `code` of a batch's item carry them. */
const CODE_NUMBERS: Readonly<Record<CallCode, number>> = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
};

export const codeNumber = (code: CallCode): number => CODE_NUMBERS[code];
