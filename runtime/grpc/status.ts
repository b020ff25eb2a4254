import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { Any } from "../../gen/google/protobuf/any.ts";
import { BadRequest, type BadRequest_FieldViolation, ErrorInfo, QuotaFailure, RetryInfo } from "../../gen/google/rpc/error_details.ts";
import { Status } from "../../gen/google/rpc/status.ts";
import {
  type CallError,
  codeNumber,
  DESCRIPTION_CHARACTERS_MAX,
  MESSAGE_CHARACTERS_MAX,
  PATH_CHARACTERS_MAX,
  type Violation,
} from "../call-error.ts";
import { cut } from "../text.ts";

const DOMAIN = "carillon";
const DETAILS = "grpc-status-details-bin";
const ANY = "type.googleapis.com/";

/**
 * A status travels in HTTP/2 trailers, and common clients take 8 kB of them (grpc-java's default). Base64 turns these 4 kB into 5.5 kB, and
 * the message is sent a second time beside them.
 */
const DETAILS_BYTES_MAX = 4_096;
/** More than a person corrects at once. */
const FIELDS_MAX = 25;
/** Tags and lengths: of an entry and its three texts, at most 3 bytes each; and around all entries, with the type's name. */
const ENTRY_BYTES = 12;
const ENVELOPE_BYTES = 64;
/** In ErrorInfo's metadata: how many more fields are invalid than are listed. */
const LEFT_OUT = "fields_left_out";

/** One message of google.rpc that explains an error. */
export interface ErrorDetail {
  /** google.rpc.BadRequest */
  readonly type: string;
  readonly value: Uint8Array;
  /** The same as its JSON. */
  readonly json: object;
}

const detail = (name: string, value: Uint8Array, json: object): ErrorDetail => ({ type: `google.rpc.${name}`, value, json });
const toAny = ({ type, value }: ErrorDetail): Any => ({ typeUrl: `${ANY}${type}`, value: Buffer.from(value) });

/** What a caller is told of an error, the same over every transport; within what a status in HTTP/2 trailers may take. */
export function describeError(error: CallError): { message: string; details: ErrorDetail[] } {
  const code = codeNumber(error.code);
  const message = cut(error.message, MESSAGE_CHARACTERS_MAX);
  const details: ErrorDetail[] = [];
  if (error.retryAfterMs !== undefined) {
    const retryDelay = { seconds: Math.floor(error.retryAfterMs / 1_000), nanos: Math.floor(error.retryAfterMs % 1_000) * 1_000_000 };
    const json = { retryDelay: `${retryDelay.seconds + retryDelay.nanos / 1_000_000_000}s` };
    details.push(detail("RetryInfo", RetryInfo.encode({ retryDelay }).finish(), json));
  }
  if (error.quota) {
    const violation = { ...error.quota, apiService: "", quotaMetric: "", quotaId: "", quotaDimensions: {}, quotaValue: 0 };
    details.push(detail("QuotaFailure", QuotaFailure.encode({ violations: [violation] }).finish(), { violations: [error.quota] }));
  }
  const info = (metadata: Record<string, string>) => {
    const { reason } = error;
    const json = { reason, domain: DOMAIN, ...(Object.keys(metadata).length > 0 && { metadata }) };
    return detail("ErrorInfo", ErrorInfo.encode({ reason, domain: DOMAIN, metadata }).finish(), json);
  };
  const fields = error.fields ?? [];
  if (fields.length === 0) details.push(info({}));
  else {
    const leftOut = (n: number) => info({ [LEFT_OUT]: String(n) });
    const before = Status.encode({ code, message, details: [...details, leftOut(fields.length)].map(toAny) }).finish().length;
    const fitting = fieldsThatFit(fields, DETAILS_BYTES_MAX - before - ENVELOPE_BYTES);
    const json = { fieldViolations: fitting.map(({ field, description, reason }) => ({ field, description, reason })) };
    details.push(
      leftOut(fields.length - fitting.length),
      detail("BadRequest", BadRequest.encode({ fieldViolations: fitting }).finish(), json),
    );
  }
  return { message, details };
}

/** As grpc-js wants it: google.rpc.Status, with its details, in the trailers. */
export function toServiceError(error: CallError): ServiceError {
  const code: status = codeNumber(error.code);
  const { message, details } = describeError(error);
  const metadata = new Metadata();
  metadata.set(DETAILS, Buffer.from(Status.encode({ code, message, details: details.map(toAny) }).finish()));
  // No stack: under overload thousands of these are made a second, and none is a bug of ours.
  return { name: "CallError", message, code, details: message, metadata };
}

function fieldsThatFit(fields: readonly Violation[], bytesMax: number): BadRequest_FieldViolation[] {
  const fitting: BadRequest_FieldViolation[] = [];
  let bytes = 0;
  for (const { field, rule, message } of fields.slice(0, FIELDS_MAX)) {
    const description = cut(message, DESCRIPTION_CHARACTERS_MAX);
    const entry = { field: cut(field, PATH_CHARACTERS_MAX), description, reason: rule, localizedMessage: undefined };
    bytes += Buffer.byteLength(entry.field) + Buffer.byteLength(description) + Buffer.byteLength(rule) + ENTRY_BYTES;
    if (bytes > bytesMax) break;
    fitting.push(entry);
  }
  return fitting;
}

export interface CallDetails {
  code: status;
  message: string;
  /** Undefined when the answer is not from a Carillon service. */
  reason: string | undefined;
  fields: Violation[];
  /** How many more fields were wrong than `fields` holds. */
  fieldsLeftOut: number;
  retryAfterMs: number | undefined;
}

/** Reads the details of a failed call's error. Never throws. */
export function readDetails(error: unknown): CallDetails {
  const given = (typeof error === "object" && error !== null ? error : {}) as Partial<ServiceError>;
  const read: CallDetails = {
    code: typeof given.code === "number" ? given.code : status.UNKNOWN,
    message: given.details ?? given.message ?? "",
    reason: undefined,
    fields: [],
    fieldsLeftOut: 0,
    retryAfterMs: undefined,
  };
  const bytes = given.metadata instanceof Metadata ? given.metadata.get(DETAILS)[0] : undefined;
  if (!Buffer.isBuffer(bytes)) return read;
  try {
    for (const { typeUrl, value } of Status.decode(bytes).details) {
      if (typeUrl === `${ANY}google.rpc.ErrorInfo`) {
        const info = ErrorInfo.decode(value);
        if (info.domain === DOMAIN) read.reason = info.reason;
        read.fieldsLeftOut = Number(info.metadata[LEFT_OUT] ?? 0) || 0;
      } else if (typeUrl === `${ANY}google.rpc.RetryInfo`) {
        const delay = RetryInfo.decode(value).retryDelay;
        if (delay) read.retryAfterMs = delay.seconds * 1_000 + Math.ceil(delay.nanos / 1_000_000);
      } else if (typeUrl === `${ANY}google.rpc.BadRequest`) {
        for (const v of BadRequest.decode(value).fieldViolations)
          read.fields.push({ field: v.field, rule: v.reason, message: v.description });
      }
    }
  } catch {
    // Bytes from a proxy or a server that is not ours: the code and the message still hold.
  }
  return read;
}
