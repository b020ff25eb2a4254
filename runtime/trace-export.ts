import type { Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { withDeadline } from "./deadline.ts";

/** Spans waiting for the exporter; beyond it new ones are dropped. At 1 kB each 2 MB. */
const SPANS_WAITING_MAX = 2_048;
/** One export, and all that is left at the end: an unavailable collector must not delay a shutdown. */
const EXPORT_MS = 1_500;

/** A tracer whose spans are sent to the URL, OTLP over HTTP. Disposal sends what is left, for at most 1.5 s. */
export function startExporting(service: string, url: string): AsyncDisposable & { readonly tracer: Tracer } {
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_MS });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": service }),
    spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: SPANS_WAITING_MAX, exportTimeoutMillis: EXPORT_MS })],
  });
  return {
    tracer: provider.getTracer("carillon"),
    async [Symbol.asyncDispose]() {
      // Spans that could not be sent in time are lost by design.
      await withDeadline(provider.shutdown(), { limitMs: EXPORT_MS }).catch(() => undefined);
    },
  };
}
