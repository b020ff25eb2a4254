import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { SpanKind, trace } from "@opentelemetry/api";
import { GetNotificationResponse, NotificationServiceClient, NotificationServiceService } from "../gen/carillon/v1/notification_service.ts";
import { callError } from "./call-error.ts";
import { callUnary, createClient } from "./grpc/client.ts";
import { serveHandlers } from "./grpc/serve-handlers.ts";
import { startGrpcServer } from "./grpc/server.ts";
import { createLogger } from "./logger.ts";
import { extract, inject, startTracing, withSpan } from "./tracing.ts";

interface SentSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  status: { code?: number; message?: string };
}
/** An OpenTelemetry collector, as far as OTLP/JSON over HTTP goes. */
const sent: { service: string; span: SentSpan }[] = [];
const collector = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  type Attribute = { key: string; value: { stringValue?: string } };
  type Export = { resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: SentSpan[] }[] }[] };
  for (const { resource, scopeSpans } of (JSON.parse(body) as Export).resourceSpans) {
    const service = resource.attributes.find((a) => a.key === "service.name")?.value.stringValue ?? "";
    for (const { spans } of scopeSpans) for (const span of spans) sent.push({ service, span });
  }
  response.setHeader("content-type", "application/json").end("{}");
});
await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
const exporterUrl = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`;
after(() => {
  collector.closeAllConnections();
  collector.close();
});
const sentAs = (name: string) => sent.find((s) => s.span.name === name)?.span;

test("a trace is carried over by inject and extract, through awaits, and sent to the collector", async () => {
  const headers = new Map<string, string>();
  {
    await using gateway = await startTracing("gateway", { exporterUrl });
    await using relay = await startTracing("relay", { exporterUrl });
    await withSpan(gateway.tracer, "publish", { kind: SpanKind.PRODUCER }, async () => {
      await new Promise(setImmediate);
      inject((key, value) => headers.set(key, value));
    });
    const parent = extract((key) => headers.get(key));
    await withSpan(relay.tracer, "consume", { kind: SpanKind.CONSUMER, parent }, async () => {
      await new Promise(setImmediate);
      await withSpan(relay.tracer, "inner", {}, async () => undefined);
    });
  }
  assert.deepEqual([...headers.keys()], ["traceparent"]);
  const [publish, consume, inner] = [sentAs("publish"), sentAs("consume"), sentAs("inner")];
  assert.ok(publish && consume && inner);
  assert.equal(consume.traceId, publish.traceId);
  assert.equal(consume.parentSpanId, publish.spanId);
  assert.equal(inner.parentSpanId, consume.spanId);
  assert.deepEqual(sent.map((s) => `${s.service} ${s.span.name}`).sort(), ["gateway publish", "relay consume", "relay inner"]);
});

test("a span that failed says so without the error's text, and the error passes through", async () => {
  {
    await using tracing = await startTracing("gateway", { exporterUrl });
    const failing = withSpan(tracing.tracer, "failing", {}, async () => {
      throw new Error("hunter2");
    });
    await assert.rejects(failing, /hunter2/);
  }
  assert.equal(sentAs("failing")?.status.code, 2);
  assert.ok(!JSON.stringify(sentAs("failing")).includes("hunter2"));
});

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("without an exporter nothing is recorded, and a caller's trace is still carried through", async () => {
  const before = sent.length;
  let carried: string | undefined;
  {
    await using tracing = await startTracing("gateway", { exporterUrl: "" });
    const parent = extract((key) => (key === "traceparent" ? traceparent : undefined));
    await withSpan(tracing.tracer, "unrecorded", { parent }, async (span) => {
      assert.equal(span.isRecording(), false);
      await new Promise(setImmediate);
      inject((key, value) => {
        if (key === "traceparent") carried = value;
      });
    });
  }
  assert.equal(carried, traceparent);
  assert.equal(sent.length, before);
});

test("malformed headers are no trace", () => {
  for (const odd of [undefined, "", "00-zz-zz-01", "x".repeat(10_000)]) assert.equal(trace.getSpanContext(extract(() => odd)), undefined);
});

test("an unavailable collector does not delay the shutdown", async () => {
  const tracing = await startTracing("gateway", { exporterUrl: "http://127.0.0.1:1/v1/traces" });
  await withSpan(tracing.tracer, "lost", {}, async () => undefined);
  await tracing[Symbol.asyncDispose]();
});

test("a gRPC call joins client and server in one trace, and distinguishes our errors from the caller's", async () => {
  const get = NotificationServiceService.getNotification;
  const log = createLogger("test", "silent");
  {
    await using tracing = await startTracing("gateway", { exporterUrl });
    const unused = async () => callError("INTERNAL", "INTERNAL", "unused");
    const handlers = {
      async getNotification({ notificationId }: { notificationId: string }) {
        if (notificationId === "bug") throw new Error("bug");
        if (notificationId === "none") return callError("NOT_FOUND", "NOT_FOUND", "no such notification");
        await withSpan(tracing.tracer, "look up", {}, async () => undefined);
        return GetNotificationResponse.decode(new Uint8Array());
      },
      ...{ sendNotification: unused, batchSendNotifications: unused, previewNotification: unused },
      ...{ listNotifications: unused, cancelNotifications: unused },
    };
    const calls = { log, tracer: tracing.tracer, authenticate: () => undefined };
    const services = [serveHandlers(NotificationServiceService, handlers, calls)];
    await using server = await startGrpcServer({ address: "127.0.0.1:0", services, reflection: false, log });
    using client = createClient(NotificationServiceClient, `127.0.0.1:${server.port}`);
    sent.length = 0;
    await withSpan(tracing.tracer, "caller", { kind: SpanKind.CLIENT }, () => callUnary(client, get, { notificationId: "x" }));
    for (const notificationId of ["none", "bug"]) await assert.rejects(callUnary(client, get, { notificationId }));
  }
  const calls = sent.map((s) => s.span).filter((s) => s.name === "carillon.v1.NotificationService/GetNotification");
  assert.deepEqual([sentAs("look up")?.parentSpanId, calls[0]?.parentSpanId], [calls[0]?.spanId, sentAs("caller")?.spanId]);
  assert.deepEqual(
    calls.map((c) => c.status.code ?? 0),
    [0, 0, 2],
  );
});
