import type { CallError } from "./call-error.ts";

// A service is a table of handlers: functions from a request and a context to an answer, free of any transport.

/** What a handler knows of its call. */
export interface CallContext<Caller> {
  /** Who calls, as authentication answered. */
  caller: Caller;
  /** Aborts when the caller cancels or the deadline passes. */
  signal: AbortSignal;
  /** ms since the epoch: the caller's deadline or ours, whichever is earlier. */
  deadlineAt: number;
  /** The trace that this call belongs to (W3C Trace Context), if any. */
  traceparent: string | undefined;
}

export type Handler<Request, Response, Caller> = (request: Request, context: CallContext<Caller>) => Promise<Response | CallError>;

/** Answers with a stream. It ends when the iterable does, and must end soon after `signal` aborts. */
export type StreamHandler<Request, Response, Caller> = (
  request: Request,
  context: CallContext<Caller>,
) => AsyncIterable<Response> | CallError;

/** Reads one header of a call (gRPC: metadata) by its lower-case name. */
export type ReadHeader = (name: string) => string | undefined;

/**
 * Reads a stream of messages, and answers once. The stream throws a CallError where the next message does not come in time, or the call has ended. What is not
 * read stays with the caller.
 */
export type UploadHandler<Request, Response, Caller> = (
  messages: AsyncIterable<Request>,
  context: CallContext<Caller>,
) => Promise<Response | CallError>;

/** A caller names its app in one of these. Undefined: everybody is admitted, and counts as one. */
export type Identity = { readonly id: string } | { readonly app: string } | undefined;

/** Who calls, by the headers of the call; or why the call is not admitted. */
export type Authenticate<Caller extends Identity> = (header: ReadHeader) => Promise<Caller | CallError> | Caller | CallError;
