import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyTransport } from "./transport-fault.ts";

const withCode = (code: string, message = "secret-token in the message") => Object.assign(new Error(message), { code });

const rows: { name: string; error: unknown; before: string; after: string }[] = [
  { name: "name not found", error: withCode("ENOTFOUND"), before: "unavailable dns", after: "unavailable dns" },
  { name: "connection refused", error: withCode("ECONNREFUSED"), before: "unavailable refused", after: "unavailable refused" },
  {
    name: "connect timeout",
    error: withCode("UND_ERR_CONNECT_TIMEOUT"),
    before: "unavailable connect-timeout",
    after: "unavailable connect-timeout",
  },
  { name: "a server without HTTP/2", error: withCode("ERR_NO_HTTP2"), before: "unavailable no-http2", after: "unavailable no-http2" },
  {
    name: "a server that says so during the handshake",
    error: withCode("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL"),
    before: "unavailable no-http2",
    after: "unavailable no-http2",
  },
  {
    name: "an address of our own network",
    error: withCode("ERR_ADDRESS_NOT_ALLOWED"),
    before: "unavailable address-not-allowed",
    after: "unavailable address-not-allowed",
  },
  {
    name: "too many calls that wait",
    error: withCode("ERR_NO_CONNECTION_SLOT"),
    before: "unavailable no-connection-slot",
    after: "unavailable no-connection-slot",
  },
  { name: "no route", error: withCode("EHOSTUNREACH"), before: "unavailable unreachable", after: "unanswered unreachable" },
  { name: "handshake failure", error: withCode("EPROTO"), before: "unavailable tls", after: "unanswered tls" },
  {
    name: "unknown authority",
    error: withCode("SELF_SIGNED_CERT_IN_CHAIN"),
    before: "misconfigured tls-untrusted",
    after: "unanswered tls-untrusted",
  },
  { name: "reset", error: withCode("ECONNRESET"), before: "unavailable reset", after: "unanswered reset" },
  { name: "closed by the other side", error: withCode("UND_ERR_SOCKET"), before: "unavailable reset", after: "unanswered reset" },
  { name: "hang up without a code", error: new Error("socket hang up"), before: "unavailable reset", after: "unanswered reset" },
  { name: "silence", error: withCode("UND_ERR_HEADERS_TIMEOUT"), before: "unavailable deadline", after: "unanswered deadline" },
  { name: "our deadline", error: new DOMException("late", "TimeoutError"), before: "unavailable deadline", after: "unanswered deadline" },
  { name: "axios timeout", error: withCode("ECONNABORTED"), before: "unavailable deadline", after: "unanswered deadline" },
  { name: "stream reset", error: withCode("ERR_HTTP2_STREAM_ERROR"), before: "unavailable http2", after: "unanswered http2" },
  {
    name: "stream refused",
    error: withCode("ERR_HTTP2_STREAM_ERROR", "Stream closed with error code NGHTTP2_REFUSED_STREAM"),
    before: "unavailable refused-stream",
    after: "unavailable refused-stream",
  },
  {
    name: "a connection closed with the code of refused streams",
    error: withCode("ERR_HTTP2_SESSION_ERROR", "Session closed with error code NGHTTP2_REFUSED_STREAM"),
    before: "unavailable http2",
    after: "unanswered http2",
  },
  {
    name: "a cause within a cause",
    error: new Error("outer", { cause: Object.assign(new Error("app"), { code: "app/network-error", cause: withCode("ECONNREFUSED") }) }),
    before: "unavailable refused",
    after: "unavailable refused",
  },
  {
    name: "several addresses refused",
    error: new AggregateError([withCode("ECONNREFUSED"), withCode("ECONNREFUSED")]),
    before: "unavailable refused",
    after: "unavailable refused",
  },
  { name: "something never seen", error: new Error("?"), before: "unavailable unknown", after: "unanswered unknown" },
  { name: "no error at all", error: "text", before: "unavailable unknown", after: "unanswered unknown" },
];

const summaryOf = (error: unknown, written: boolean) => {
  const outcome = classifyTransport(error, { written });
  assert.doesNotMatch(JSON.stringify(outcome), /secret-token/);
  return `${outcome.kind} ${"fault" in outcome ? outcome.fault.code : "reason" in outcome ? outcome.reason : ""}`;
};

for (const { name, error, before, after } of rows) {
  test(`${name} is ${before} before the request was written, ${after} once it may have been`, () => {
    assert.equal(summaryOf(error, false), before);
    assert.equal(summaryOf(error, true), after);
  });
}
