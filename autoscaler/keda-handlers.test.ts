// As KEDA 2.20 asks, in its order: GetMetricSpec when the HPA is made, then GetMetrics and IsActive at each sync, beside a StreamIsActive.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type ClientReadableStream, credentials, makeGenericClientConstructor, status } from "@grpc/grpc-js";
import type { QueueState } from "../adapters/nats/queue-state.ts";
import { CHANNELS } from "../core/delivery/channel.ts";
import { SCALING_DEFAULTS } from "../core/scaling/scaling.ts";
import { ExternalScalerClient, ExternalScalerService, type IsActiveResponse } from "../gen/externalscaler/externalscaler.ts";
import { callUnary, createClient } from "../runtime/grpc/client.ts";
import { serveHandlers } from "../runtime/grpc/serve-handlers.ts";
import { type GrpcServer, startGrpcServer } from "../runtime/grpc/server.ts";
import { readDetails } from "../runtime/grpc/status.ts";
import { createLogger } from "../runtime/logger.ts";
import { eventually } from "../test/support/eventually.ts";
import { createFakeClock, type FakeClock } from "../test/support/fake-clock.ts";
import { createKedaHandlers } from "./keda-handlers.ts";
import { ACTIVE_MS, createRates, RATE_LIFE_MS, type Rates } from "./rates.ts";

const log = createLogger("test", "error", { write() {} });
const scalings = { ...SCALING_DEFAULTS, sms: { ...SCALING_DEFAULTS.sms, targetRatePerPod: 31.6, drainMs: 60_000 } };
let clock: FakeClock;
let rates: Rates;
let draining: AbortController;
/** Listeners of `rates`. */
let watching: number;
let server: GrpcServer;
let client: ExternalScalerClient & Disposable;
let state: QueueState;

beforeEach(async (t) => {
  clock = createFakeClock();
  rates = createRates(CHANNELS, scalings, clock);
  watching = 0;
  const { watch } = rates;
  rates.watch = (listener) => {
    const watched = watch(listener);
    watching++;
    return {
      [Symbol.dispose]() {
        watching--;
        watched[Symbol.dispose]();
      },
    };
  };
  draining = new AbortController();
  state = {
    ...{ created: "one", lastSequence: 0, messages: 0, bytes: 0, bytesMax: 0, waiting: 0, handedOut: 0, ackPendingRatio: 0 },
    ...{ oldestMs: 0, oldestWaitingMs: undefined },
  };
  const handlers = createKedaHandlers({ rates, scalings, signal: draining.signal });
  const services = [serveHandlers(ExternalScalerService, handlers, { log, authenticate: () => undefined })];
  server = await startGrpcServer({ address: "127.0.0.1:0", services, reflection: false, log, drainMs: 2_000 });
  client = createClient(ExternalScalerClient, server.address);
  if ("after" in t)
    t.after(async () => {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    });
});

const object = (channel: string) => ({
  name: "carillon-dispatcher-sms",
  namespace: "prod",
  scalerMetadata: { scalerAddress: "a:1", channel },
});
const read = (seconds: number, more: Partial<QueueState> = {}) => {
  state = { ...state, ...more };
  for (let s = 0; s < seconds; s += 2) {
    clock.advance(2_000);
    rates.addReading("sms", { kind: "read", state });
  }
};
const ask = {
  spec: (channel = "sms") => callUnary(client, ExternalScalerService.getMetricSpec, object(channel)),
  metrics: (channel = "sms") =>
    callUnary(client, ExternalScalerService.getMetrics, {
      scaledObjectRef: object(channel),
      metricName: `carillon_required_per_second_${channel}`,
    }),
  isActive: (channel = "sms") => callUnary(client, ExternalScalerService.isActive, object(channel)),
};
const failure = (call: Promise<unknown>) => call.then(() => assert.fail("it was answered"), readDetails);

test("the target per pod is exact, and rounded for callers that read whole numbers", async () => {
  assert.deepEqual(await ask.spec(), {
    metricSpecs: [{ metricName: "carillon_required_per_second_sms", targetSize: 32, targetSizeFloat: 31.6 }],
  });
  // Known without any sample: KEDA would fall back to CPU (keda#7729).
  assert.equal((await ask.spec("apns")).metricSpecs[0]?.targetSizeFloat, SCALING_DEFAULTS.apns.targetRatePerPod);
});

test("answers the required rate, and whether any pod is needed", async () => {
  read(12);
  assert.deepEqual((await ask.metrics()).metricValues, [
    { metricName: "carillon_required_per_second_sms", metricValue: 0, metricValueFloat: 0 },
  ]);
  assert.deepEqual(await ask.isActive(), { result: false });
  read(8, { waiting: 90, messages: 90 });
  assert.deepEqual((await ask.metrics()).metricValues, [
    { metricName: "carillon_required_per_second_sms", metricValue: 2, metricValueFloat: 1.5 },
  ]);
  assert.deepEqual(await ask.isActive(), { result: true });
});

test("without a recent sample no number is answered", async () => {
  for (const { code, message } of await Promise.all([ask.metrics(), ask.isActive()].map(failure))) {
    assert.equal(code, status.UNAVAILABLE);
    assert.match(message, /required rate of sms is not known: the queue has not been read yet/);
  }
  read(12);
  await ask.metrics();
  clock.advance(RATE_LIFE_MS + 1);
  for (const { code } of await Promise.all([ask.metrics(), ask.isActive()].map(failure))) assert.equal(code, status.UNAVAILABLE);
});

test("every method rejects an unknown channel and names the field", async () => {
  for (const channel of ["", "fax", "SMS"]) {
    const answers = [ask.spec(channel), ask.metrics(channel), ask.isActive(channel), first(client.streamIsActive(object(channel)))];
    for (const [i, { code, fields, message }] of (await Promise.all(answers.map(failure))).entries()) {
      assert.equal(code, status.INVALID_ARGUMENT);
      assert.equal(fields[0]?.field, `${i === 1 ? "scaledObjectRef." : ""}scalerMetadata.channel`);
      assert.match(message, /apns, fcm, webpush, sms, email/);
    }
  }
  const nothing = callUnary(client, ExternalScalerService.getMetrics, { scaledObjectRef: undefined, metricName: "" });
  assert.equal((await failure(nothing)).code, status.INVALID_ARGUMENT);
});

const first = (stream: ClientReadableStream<IsActiveResponse>) =>
  new Promise<boolean>((resolve, reject) => stream.once("data", (r: IsActiveResponse) => resolve(r.result)).once("error", reject));

test("the stream answers at once, at the first task, and a while after the last", async () => {
  read(12);
  const answers: boolean[] = [];
  const stream = client.streamIsActive(object("sms"));
  stream.on("data", ({ result }: IsActiveResponse) => answers.push(result)).on("error", () => {});
  await eventually("the first answer", () => answers.length === 1);
  read(2, { waiting: 1, messages: 1, lastSequence: 1 });
  await eventually("the answer to the first task", () => answers.length === 2);
  read(ACTIVE_MS / 1_000 - 10, { waiting: 0, messages: 0 });
  clock.advance(RATE_LIFE_MS + 1);
  rates.addReading("sms", { kind: "unreadable", why: "away" });
  read(30);
  await eventually("the answer to the end", () => answers.length === 3);
  assert.deepEqual(answers, [false, true, false]);
  stream.cancel();
});

test("a stream waits until the rate is known", async () => {
  const stream = client.streamIsActive(object("sms"));
  const answer = first(stream);
  await ask.spec();
  read(12, { waiting: 1, messages: 1 });
  assert.equal(await answer, true);
  stream.on("error", () => {}).cancel();
});

test("a stream that its caller or a drain ends leaves no listener", async () => {
  read(12);
  const streams = [1, 2, 3].map(() => client.streamIsActive(object("sms")).on("error", () => {}));
  await Promise.all(streams.map(first));
  assert.equal(watching, 3);
  streams[0]!.cancel();
  await eventually("the cancelled stream has no listener", () => watching === 2);
  draining.abort();
  await eventually("nor have the others", () => watching === 0);
});

test("a drain ends the streams with OK, so that KEDA asks the next pod at once", async () => {
  read(12);
  const stream = client.streamIsActive(object("sms"));
  const ended = new Promise((resolve) => stream.once("status", ({ code }) => resolve(code)));
  await first(stream);
  draining.abort();
  await server[Symbol.asyncDispose]();
  assert.equal(await ended, status.OK);
});

test("bytes and paths are KEDA's; StreamMetricSpec is not implemented", async () => {
  read(12, { waiting: 90, messages: 90 });
  const raw = (bytes: Uint8Array) => Buffer.from(bytes);
  const method = (name: string, responseStream = false) => ({
    ...{ path: `/externalscaler.ExternalScaler/${name}`, requestStream: false, responseStream },
    ...{ requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw },
  });
  // scalerMetadata is field 3, a map of texts; scaledObjectRef is field 1, and metricName field 2.
  const entry = new BinaryWriter().uint32(10).string("channel").uint32(18).string("sms").finish();
  const ref = new BinaryWriter().uint32(10).string("name").uint32(18).string("prod").uint32(26).bytes(entry).finish();
  const request = new BinaryWriter().uint32(10).bytes(ref).uint32(18).string("carillon_required_per_second_sms").finish();
  const metric = (number: number, float: number) =>
    new BinaryWriter().uint32(10).string("carillon_required_per_second_sms").uint32(16).int64(number).uint32(25).double(float).finish();
  const list = (bytes: Uint8Array) => raw(new BinaryWriter().uint32(10).bytes(bytes).finish());

  assert.deepEqual(await callUnary(client, method("GetMetricSpec"), raw(ref)), list(metric(32, 31.6)));
  assert.deepEqual(await callUnary(client, method("GetMetrics"), raw(request)), list(metric(2, 1.5)));
  assert.deepEqual(await callUnary(client, method("IsActive"), raw(ref)), raw(new Uint8Array([8, 1])));
  const Raw = makeGenericClientConstructor(
    { streamIsActive: method("StreamIsActive", true), streamMetricSpec: method("StreamMetricSpec", true) },
    "raw",
  );
  const streams = new Raw(server.address, credentials.createInsecure());
  try {
    const stream: ClientReadableStream<Buffer> = streams.streamIsActive?.(raw(ref)) ?? assert.fail();
    assert.deepEqual(
      await new Promise((resolve, reject) => stream.once("data", resolve).once("error", reject)),
      raw(new Uint8Array([8, 1])),
    );
    stream.on("error", () => {}).cancel();
    const specs: ClientReadableStream<Buffer> = streams.streamMetricSpec?.(raw(ref)) ?? assert.fail();
    const { code } = await new Promise<{ code: number }>((resolve) => specs.on("data", () => {}).once("error", resolve));
    assert.equal(code, status.UNIMPLEMENTED);
  } finally {
    streams.close();
  }
});
