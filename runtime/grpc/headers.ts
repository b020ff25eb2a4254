import type { IncomingHttpHeaders } from "node:http2";
import { type CallError, callError } from "../call-error.ts";
import { TIMEOUT_SECONDS_MAX } from "./limits.ts";

const malformed = (message: string) => callError("INVALID_ARGUMENT", "MALFORMED", message);
const notPost = malformed("a call is a POST");
const notGrpc = malformed("the content-type must be application/grpc or application/grpc+proto");
const notText = malformed("headers must be printable ASCII");
const badTimeout = malformed("grpc-timeout must be 1 to 8 digits and a unit");

const PRINTABLE = /^[\t -~]*$/;
const NAME = /^[0-9a-z_.-]+$/;
const TIMEOUT = /^([0-9]{1,8})([HMSmun])$/;
const CONTENT_TYPE = /^application\/grpc(\+proto)?($|;)/;
const UNIT_SECONDS: Readonly<Record<string, number>> = { H: 3_600, M: 60, S: 1 };

/**
 * What is wrong with a call's headers, which grpc-js would log or answer as our own fault. A deadline too long for its timer is shortened in
 * `headers`.
 */
export function headersFault(headers: IncomingHttpHeaders): CallError | undefined {
  if (headers[":method"] !== "POST") return notPost;
  if (!CONTENT_TYPE.test(headers["content-type"] ?? "")) return notGrpc;
  for (const name in headers) {
    if (name.startsWith(":")) continue;
    const value = headers[name];
    if (!NAME.test(name) || !(typeof value === "string" ? PRINTABLE.test(value) : value?.every((v) => PRINTABLE.test(v)))) return notText;
  }
  const timeout = headers["grpc-timeout"];
  if (timeout === undefined) return undefined;
  const [, digits, unit] = TIMEOUT.exec(String(timeout)) ?? [];
  if (!digits || !unit) return badTimeout;
  if (Number(digits) * (UNIT_SECONDS[unit] ?? 0) > TIMEOUT_SECONDS_MAX) headers["grpc-timeout"] = `${TIMEOUT_SECONDS_MAX}S`;
  return undefined;
}
