import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { callError } from "../call-error.ts";
import { TIMEOUT_SECONDS_MAX } from "../grpc/limits.ts";
import { type HttpFault, malformed } from "./error-answer.ts";
import type { ConnectMethod } from "./methods.ts";

/** How a message is written: as JSON, or as protobuf's bytes. */
export type Codec = "json" | "proto";
export const CONTENT_TYPES: Readonly<Record<Codec, string>> = { json: "application/json", proto: "application/proto" };

/** A call, by the head of its request. */
export interface CallHead {
  codec: Codec;
  /** Of a GET; undefined: the body is the message. */
  message: Buffer | undefined;
  /** ms that the caller waits, at most TIMEOUT_SECONDS_MAX; undefined: it did not say. */
  timeoutMs: number | undefined;
  /** Idempotency-Key. */
  key: string | undefined;
}

/** application/json, also with charset=utf-8, and application/proto. */
const CONTENT_TYPE = /^application\/(json|proto)\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const TIMEOUT = /^\d{1,10}$/;
const BASE64URL = /^[A-Za-z0-9_-]*={0,2}$/;
/** The quoted text of RFC 8941, which the draft of Idempotency-Key asks for. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;

const otherType: HttpFault = {
  ...malformed('the content-type must be "application/json", or "application/proto" for protobuf', "type"),
  status: 415,
  headers: { "accept-post": "application/json, application/proto" },
};
const compressed: HttpFault = {
  error: callError("UNIMPLEMENTED", "UNIMPLEMENTED", "compressed bodies are not supported: leave out content-encoding"),
  status: 415,
  headers: { "accept-encoding": "identity" },
  rejected: "type",
};
const noKey = malformed("this method takes no Idempotency-Key: leave the header out");
const badTimeout = malformed("connect-timeout-ms must be 1 to 10 digits");
const badVersion = malformed('connect-protocol-version must be "1"');
const wrongMethod = (allow: string): HttpFault => ({
  error: callError("UNIMPLEMENTED", "UNIMPLEMENTED", `this method is called with ${allow.replace(", ", " or ")}`),
  status: 405,
  headers: { allow },
  rejected: "method",
});

/** What the head of a request says of a call, or what is wrong with it. */
export function readHead({ method, headers, url = "" }: IncomingMessage, { isReading, keyField }: ConnectMethod): CallHead | HttpFault {
  const isGet = method === "GET" || method === "HEAD";
  if (method !== "POST" && !(isGet && isReading)) return wrongMethod(isReading ? "GET, HEAD, POST" : "POST");
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") return compressed;
  const version = headers["connect-protocol-version"];
  if (version !== undefined && version !== "1") return badVersion;
  const timeout = headers["connect-timeout-ms"];
  if (timeout !== undefined && !TIMEOUT.test(String(timeout))) return badTimeout;
  const key = keyOf(headers);
  if (key !== undefined && keyField === undefined) return noKey;
  const shared = { timeoutMs: timeout === undefined ? undefined : Math.min(Number(timeout), TIMEOUT_SECONDS_MAX * 1_000), key };
  if (isGet) {
    const query = readQuery(url);
    return "error" in query ? query : { ...shared, ...query };
  }
  const codec = CONTENT_TYPE.exec(headers["content-type"] ?? "")?.[1]?.toLowerCase();
  if (codec === undefined) return otherType;
  return { ...shared, codec: codec as Codec, message: undefined };
}

function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const given = headers["idempotency-key"];
  if (typeof given !== "string") return undefined;
  return QUOTED.exec(given)?.[1]?.replace(/\\(.)/g, "$1") ?? given;
}

/** Of a GET: ?encoding=json&message=…, and base64=1 where the message is base64 (connectrpc.com/docs/protocol, "Unary-Get-Request"). */
function readQuery(url: string): Pick<CallHead, "codec" | "message"> | HttpFault {
  const mark = url.indexOf("?");
  const text = mark < 0 ? "" : url.slice(mark + 1);
  if (!isEncodedText(text)) return malformed("the query must be percent-encoded UTF-8");
  const query = new URLSearchParams(text);
  const names = [...query.keys()];
  if (names.some((name) => !QUERY.has(name))) return malformed("the query may hold connect, encoding, message, base64, compression");
  if (new Set(names).size < names.length) return malformed("the query may hold each of its names once");
  if ((query.get("compression") ?? "identity") !== "identity") return compressed;
  if ((query.get("connect") ?? "v1") !== "v1") return malformed('connect in the query must be "v1"');
  const codec = query.get("encoding");
  if (codec !== "json" && codec !== "proto") return malformed('encoding in the query must be "json" or "proto"');
  const message = query.get("message");
  if (message === null) return malformed("message in the query is missing: the request as JSON");
  if (query.get("base64") !== "1") return { codec, message: Buffer.from(message) };
  if (!BASE64URL.test(message)) return malformed("message in the query must be base64url, because base64 is 1");
  return { codec, message: Buffer.from(message, "base64url") };
}
/** Otherwise URLSearchParams reads other characters than were meant. */
function isEncodedText(query: string): boolean {
  try {
    decodeURIComponent(query);
    return !/[^\p{ASCII}]/u.test(query);
  } catch {
    return false;
  }
}
const QUERY: ReadonlySet<string> = new Set(["connect", "encoding", "message", "base64", "compression"]);
