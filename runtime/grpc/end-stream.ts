import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { CallError } from "../call-error.ts";
import { toServiceError } from "./status.ts";

/** Errors that are constants are answered thousands of times a second under overload. Made anew, their headers took 8 us of each rejection. */
const headersOf = new WeakMap<CallError, OutgoingHttpHeaders>();

/** Answers a call that grpc-js does not see: with trailers only. */
export function answer(stream: ServerHttp2Stream, error: CallError): void {
  if (stream.closed || stream.destroyed) return;
  const headers = headersOf.get(error) ?? trailersOnly(error);
  headersOf.set(error, headers);
  stream.respond(headers, { endStream: true });
  closeWhenAnswered(stream);
}

function trailersOnly(error: CallError): OutgoingHttpHeaders {
  const { code, details, metadata } = toServiceError(error);
  return {
    ":status": constants.HTTP_STATUS_OK,
    "content-type": "application/grpc+proto",
    "grpc-status": code,
    "grpc-message": encodeURI(details),
    ...metadata.toHttp2Headers(),
  };
}

/** Answers a call that grpc-js knows; grpc-js then ignores what else arrives. */
export function fail(
  { stream, base }: { stream: ServerHttp2Stream; base: ServerInterceptingCallInterface | undefined },
  error: CallError,
): void {
  if (!base) throw new Error("grpc-js has not taken the call");
  const { code, details, metadata } = toServiceError(error);
  metadata.set("grpc-accept-encoding", "identity");
  base.sendStatus({ code, details, metadata });
  // grpc-js would read the rest of the message and drop it.
  stream.pause();
  closeWhenAnswered(stream);
}

/** A caller who reads no answers gets no further request handled: otherwise answers would collect in memory. */
export function afterDrain(stream: ServerHttp2Stream, proceed: () => void): void {
  if (stream.writableNeedDrain) stream.once("drain", proceed);
  else proceed();
}

/** Between two checks whether an answer was sent, in ms, and how many: after 2 s its reader is too slow. */
const CLOSE_TRY_MS = 20;
const CLOSE_TRIES_MAX = 100;

/**
 * Tells the client to send no more (RFC 9113, 8.1), when the answer is on its way: nghttp2 drops what is unsent of a closed stream.
 */
export function closeWhenAnswered(stream: ServerHttp2Stream, triesLeft = CLOSE_TRIES_MAX): void {
  if (stream.destroyed) return;
  if (stream.closed || stream.state.localClose === 1 || triesLeft === 0) {
    if (!stream.closed) stream.close(triesLeft === 0 ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_NO_ERROR);
    // What it holds is dropped. A stream ends, and makes room for another, only when it has been read to its end.
    stream.resume();
  } else if (triesLeft === CLOSE_TRIES_MAX) setImmediate(closeWhenAnswered, stream, triesLeft - 1);
  else setTimeout(closeWhenAnswered, CLOSE_TRY_MS, stream, triesLeft - 1).unref();
}
