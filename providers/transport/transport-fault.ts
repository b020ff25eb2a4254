import { notCalled, type Outcome } from "../../core/delivery/outcome.ts";

/** Too many calls wait for a connection already. */
const NO_SLOT = "no-connection-slot";

/** Words for what broke, by the codes Node, undici, axios and OpenSSL give. The first list that knows a code names the fault. */
const FAULTS: readonly { code: string; known: readonly string[]; prefix?: string }[] = [
  { code: "dns", known: ["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_NONAME"] },
  { code: "address-not-allowed", known: ["ERR_ADDRESS_NOT_ALLOWED"] },
  { code: "refused", known: ["ECONNREFUSED"] },
  { code: NO_SLOT, known: ["ERR_NO_CONNECTION_SLOT"] },
  { code: "connect-timeout", known: ["UND_ERR_CONNECT_TIMEOUT", "ERR_CONNECT_TIMEOUT"] },
  {
    code: "tls-untrusted",
    known: [
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "UNABLE_TO_GET_ISSUER_CERT",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "CERT_HAS_EXPIRED",
      "CERT_NOT_YET_VALID",
      "CERT_UNTRUSTED",
      "CERT_SIGNATURE_FAILURE",
      "INVALID_CA",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ],
  },
  { code: "unreachable", known: ["EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "EMFILE", "ENFILE"] },
  { code: "reset", known: ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "ERR_STREAM_PREMATURE_CLOSE", "UND_ERR_INFO", "ECANCELED"] },
  { code: "no-http2", known: ["ERR_NO_HTTP2", "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL"] },
  { code: "http2", known: ["ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_SESSION_ERROR", "ERR_HTTP2_ERROR"], prefix: "ERR_HTTP2_" },
  { code: "bad-response", known: [], prefix: "HPE_" },
  { code: "tls", known: ["EPROTO", "ERR_TLS_HANDSHAKE_TIMEOUT"], prefix: "ERR_SSL_" },
  {
    code: "deadline",
    known: [
      "ETIMEDOUT",
      "ESOCKETTIMEDOUT",
      "ECONNABORTED",
      "UND_ERR_HEADERS_TIMEOUT",
      "UND_ERR_BODY_TIMEOUT",
      "UND_ERR_ABORTED",
      "ABORT_ERR",
    ],
  },
];

/** Faults before the first byte: nothing was sent, even where `written` says so. */
const BEFORE_WRITING = new Set(["dns", "address-not-allowed", "no-http2", "refused", "connect-timeout"]);

/**
 * What follows from an exchange that broke off without an answer: "unavailable" where it is known that the provider processed nothing,
 * "misconfigured" where its certificate is not trusted here, else "unanswered". The error itself goes no further: it may hold credentials.
 * @param error whatever the SDK threw
 * @param written whether any byte of the request may have left; when in doubt, true
 */
export function classifyTransport(error: unknown, { written }: { written: boolean }): Outcome {
  const links = chain(error);
  if (links.some(saysRefusedStream)) return { kind: "unavailable", fault: { code: "refused-stream" } };
  const code = faultCode(links);
  if (code === NO_SLOT) return notCalled(code);
  // The handshake precedes every byte; repeating it changes nothing until the trust settings change.
  if (code === "tls-untrusted" && !written) return { kind: "misconfigured", reason: code };
  if (written && !BEFORE_WRITING.has(code)) return { kind: "unanswered", fault: { code } };
  return { kind: "unavailable", fault: { code } };
}

interface Link {
  code: string;
  name: string;
  message: string;
}

/** SDKs wrap, and one connection is tried on several addresses: an error, its causes and its parts, outermost first. */
function chain(error: unknown, depth = 0): Link[] {
  if (typeof error !== "object" || error === null || depth > 6) return [];
  const e = error as { code?: unknown; name?: unknown; message?: unknown; cause?: unknown; errors?: unknown };
  const link = { code: asText(e.code), name: asText(e.name), message: asText(e.message) };
  const parts = Array.isArray(e.errors) ? e.errors.slice(0, 4) : [];
  return [link, ...parts.flatMap((p: unknown) => chain(p, depth + 1)), ...chain(e.cause, depth + 1)];
}

const asText = (value: unknown) => (typeof value === "string" ? value : "");

/**
 * Whether the server says that it did not process the stream, so that repeating it is safe (RFC 9113 section 8.7). The error of a connection does not
 * say that, whatever its code: Node then gives this code to every stream that was open, in rstCode, also to those that the server has processed.
 */
export const isRefusedStream = (error: unknown) => chain(error).some(saysRefusedStream);
/** node:http2 names the code only in the message. */
const saysRefusedStream = ({ code, message }: Link) => code === "ERR_HTTP2_STREAM_ERROR" && /\bNGHTTP2_REFUSED_STREAM\b/.test(message);

function faultCode(links: readonly Link[]): string {
  for (const { code, known, prefix } of FAULTS) {
    if (links.some((l) => known.includes(l.code) || (prefix !== undefined && l.code.startsWith(prefix)))) return code;
  }
  if (links.some((l) => l.name === "AbortError" || l.name === "TimeoutError" || l.message === "Socket timeout")) return "deadline";
  if (links.some((l) => l.message === "socket hang up" || l.message === "other side closed")) return "reset";
  return "unknown";
}
