import {
  type Attributes,
  type Context,
  context,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";

/** traceparent and tracestate only. Without baggage: callers' texts would be passed on to providers. */
const propagator = new W3CTraceContextPropagator();

export interface Tracing extends AsyncDisposable {
  readonly tracer: Tracer;
}

/**
 * One service's tracer. Without `exporterUrl` (OTLP over HTTP, such as http://collector:4318/v1/traces) nothing is recorded, and a trace that
 * callers began is still passed on. Disposal sends what is left, for at most 1.5 s.
 */
export async function startTracing(service: string, { exporterUrl }: { exporterUrl: string }): Promise<Tracing> {
  keepContext();
  // A proxy without a provider records nothing and passes the parent on.
  if (!exporterUrl) return { tracer: new ProxyTracerProvider().getTracer("carillon"), [Symbol.asyncDispose]: async () => undefined };
  // Loaded only where it is used: it takes a process 100 ms and 20 MB.
  const { startExporting } = await import("./trace-export.ts");
  return startExporting(service, exporterUrl);
}

let contextIsKept = false;
/** Keeps the active context across awaits. There is one context manager per process, whatever the number of roles in it. */
function keepContext(): void {
  if (contextIsKept) return;
  contextIsKept = true;
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}

/** Writes the active trace, if any, as traceparent and tracestate: into gRPC metadata, JetStream headers, a provider call. */
export function inject(set: (key: string, value: string) => void): void {
  propagator.inject(context.active(), undefined, { set: (_, key, value) => set(key, value) });
}

/** The active trace as a traceparent, for stored work that continues later; undefined without a trace. */
export function currentTraceparent(): string | undefined {
  let traceparent: string | undefined;
  inject((key, value) => {
    if (key === "traceparent") traceparent = value;
  });
  return traceparent;
}

/** The trace that inject() wrote elsewhere; an empty context if there is none or it cannot be read. */
export function extract(get: (key: string) => string | undefined): Context {
  if (get("traceparent") === undefined) return ROOT_CONTEXT;
  return propagator.extract(ROOT_CONTEXT, undefined, { get: (_, key) => get(key), keys: () => propagator.fields() });
}

export interface SpanAbout {
  /** CLIENT, SERVER, PRODUCER, CONSUMER; INTERNAL by default. */
  kind?: SpanKind;
  /** From extract(); the active context by default. */
  parent?: Context;
  attributes?: Attributes;
}

/** Runs `work` within a span, which is active in it and ends with it. An error marks the span and is rethrown; its text is not recorded. */
export function withSpan<T>(tracer: Tracer, name: string, about: SpanAbout, work: (span: Span) => Promise<T>): Promise<T> {
  const { kind = SpanKind.INTERNAL, parent = context.active(), attributes = {} } = about;
  const span = tracer.startSpan(name, { kind, attributes }, parent);
  // Nothing is recorded and no trace is passed on, as in most installations: keeping a context costs as much as a short call's other accounting.
  const isTraced = span.isRecording() || hasSpan(parent) || hasSpan(context.active());
  return isTraced ? within(span, parent, work) : work(span);
}

const hasSpan = (of: Context) => trace.getSpanContext(of) !== undefined;

async function within<T>(span: Span, parent: Context, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(parent, span), work, undefined, span);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}
