import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { after, test } from "node:test";
import { makeGenericClientConstructor, type ServiceError, status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import {
  GetNotificationRequest,
  GetNotificationResponse,
  NotificationServiceClient,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { eventually } from "../../test/support/eventually.ts";
import { callError } from "../call-error.ts";
import type { Handler, Identity, ReadHeader } from "../handler.ts";
import { createLogger } from "../logger.ts";
import { callSeconds, createMetrics } from "../metrics.ts";
import { fixedCallLimit } from "./call-limit.ts";
import { callUnary, createClient } from "./client.ts";
import { type ServeParts, serveHandlers } from "./serve-handlers.ts";
import { type GrpcServerOptions, startGrpcServer } from "./server.ts";
import { readDetails } from "./status.ts";

const get = NotificationServiceService.getNotification;
const response = (notificationId: string) => ({ ...GetNotificationResponse.decode(new Uint8Array()), notificationId });
const request: GetNotificationRequest = { notificationId: "a".repeat(32) };

const lines: string[] = [];
const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

type Get<Caller extends Identity> = Handler<GetNotificationRequest, GetNotificationResponse, Caller>;
/** A server whose Get is `handler`. Lives as long as this file. */
async function serve<Caller extends Identity>(
  handler: Get<Caller>,
  parts: Omit<ServeParts<Caller>, "log">,
  options: Partial<GrpcServerOptions> = {},
) {
  const others = { sendNotification: unused, batchSendNotifications: unused, previewNotification: unused };
  const handlers = { getNotification: handler, ...others, listNotifications: unused, cancelNotifications: unused };
  const services = [serveHandlers(NotificationServiceService, handlers, { log, ...parts })];
  const server = await startGrpcServer({ address: "127.0.0.1:0", services, reflection: true, log, drainMs: 100, ...options });
  return stack.use(server);
}
const unused = async (): Promise<never> => {
  throw new Error("not called in this file");
};
const anyone = { authenticate: () => undefined };

const clientOf = (port: number, parts?: Parameters<typeof createClient>[2]) =>
  stack.use(createClient(NotificationServiceClient, `127.0.0.1:${port}`, parts));
const failure = async (call: Promise<unknown>) =>
  readDetails(
    await call.then(
      () => assert.fail("the call succeeded"),
      (error: ServiceError) => error,
    ),
  );

test("a handler's answer arrives, and the call is measured", async () => {
  const metrics = createMetrics("gateway");
  const { port } = await serve(async ({ notificationId }) => response(notificationId), { ...anyone, seconds: callSeconds(metrics) });
  assert.equal((await callUnary(clientOf(port), get, request)).notificationId, request.notificationId);
  const printed = await metrics.registry.metrics();
  assert.match(
    printed,
    /carillon_grpc_call_seconds_count\{service="gateway",method="carillon.v1.NotificationService\/GetNotification",code="OK"\} 1\n/,
  );
});

test("authenticates before the handler runs; the token arrives as a bearer token", async () => {
  const authenticate = async (header: ReadHeader) => {
    return header("authorization") === "Bearer k-1"
      ? { app: "shop" }
      : callError("UNAUTHENTICATED", "UNAUTHENTICATED", "the API key is not known");
  };
  let handled = 0;
  const { port } = await serve(
    async (_, { caller }) => {
      handled++;
      return response(caller.app);
    },
    { authenticate },
  );
  assert.equal((await callUnary(clientOf(port, { token: "k-1" }), get, request)).notificationId, "shop");
  const details = await failure(callUnary(clientOf(port), get, request));
  assert.equal(details.code, status.UNAUTHENTICATED);
  assert.equal(details.reason, "UNAUTHENTICATED");
  assert.equal(handled, 1);
});

for (const way of ["returned", "thrown"] as const) {
  test(`a call error that is ${way} reaches the client with its details`, async () => {
    const fields = [{ field: "notification_id", rule: "string.pattern", message: "must be 32 hexadecimal digits" }];
    const error = callError("INVALID_ARGUMENT", "INVALID_FIELD", "one field is wrong", { fields });
    const { port } = await serve(async () => {
      if (way === "thrown") throw error;
      return error;
    }, anyone);
    const details = await failure(callUnary(clientOf(port), get, request));
    assert.deepEqual([details.code, details.message, details.reason], [status.INVALID_ARGUMENT, "one field is wrong", "INVALID_FIELD"]);
    assert.deepEqual(details.fields, fields);
  });
}

test("an unknown error is logged and its text is kept from the caller", async () => {
  const { port } = await serve(async () => {
    throw new Error("mongodb://root:hunter2@db is down");
  }, anyone);
  const details = await failure(callUnary(clientOf(port), get, request));
  assert.equal(details.code, status.INTERNAL);
  assert.ok(!JSON.stringify(details).includes("db is down"));
  const line = lines.find((l) => l.includes("db is down"));
  assert.ok(line?.includes("carillon.v1.NotificationService/GetNotification"));
  assert.ok(!line?.includes("hunter2"));
});

test("an error that cannot be sent is answered as an unknown one, and the process goes on", async () => {
  const unsendable = callError("RESOURCE_EXHAUSTED", "RATE_LIMITED", "wait", { retryAfterMs: Number.POSITIVE_INFINITY });
  const { port } = await serve(async () => unsendable, anyone);
  for (let i = 0; i < 2; i++) assert.equal((await failure(callUnary(clientOf(port), get, request))).code, status.INTERNAL);
});

test("a call past the server's limit is answered, and its work is aborted", async () => {
  const stopped = Promise.withResolvers<void>();
  const { port } = await serve(
    (_, { signal }) => {
      signal.addEventListener("abort", () => stopped.resolve());
      return new Promise<never>(() => undefined);
    },
    { ...anyone, handleMsMax: 20 },
  );
  const details = await failure(callUnary(clientOf(port), get, request, { deadlineMs: 20_000 }));
  assert.deepEqual([details.code, details.reason], [status.DEADLINE_EXCEEDED, "DEADLINE"]);
  await stopped.promise;
});

test("the handler's deadline is the caller's or the server's limit, whichever is earlier", async () => {
  const deadlines: number[] = [];
  const { port } = await serve(
    async (_, { deadlineAt }) => {
      deadlines.push(deadlineAt - Date.now());
      return response("");
    },
    {
      ...anyone,
      handleMsMax: 5_000,
    },
  );
  const client = clientOf(port);
  await callUnary(client, get, request, { deadlineMs: 3_000 });
  await callUnary(client, get, request, { deadlineMs: 60_000 });
  const [theirs = 0, ours = 0] = deadlines;
  assert.ok(theirs <= 3_000 && ours <= 5_000 && theirs < ours, `${theirs} ${ours}`);
});

test("a call that arrives past its deadline starts no work", async () => {
  let handled = 0;
  const { port } = await serve(async () => {
    handled++;
    return response("");
  }, anyone);
  // By hand, since a client of grpc-js would not send it.
  const session = connect(`http://127.0.0.1:${port}`);
  const headers = { ":method": "POST", ":path": get.path, "content-type": "application/grpc", te: "trailers", "grpc-timeout": "1n" };
  const stream = session.request(headers);
  const body = Buffer.from(GetNotificationRequest.encode(request).finish());
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  stream.end(Buffer.concat([prefix, body]));
  stream.resume();
  const [answer, trailers] = await Promise.all([once(stream, "response"), Promise.race([once(stream, "trailers"), once(stream, "close")])]);
  const grpcStatus = trailers[0]?.["grpc-status"] ?? answer[0]["grpc-status"];
  assert.equal(Number(grpcStatus), status.DEADLINE_EXCEEDED);
  assert.equal(handled, 0);
  session.close();
  await once(session, "close");
});

test("a caller who cancels stops the work, long before its deadline", async () => {
  const [began, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()];
  const { port } = await serve((_, { signal, deadlineAt }) => {
    signal.addEventListener("abort", () => stopped.resolve(deadlineAt - Date.now()));
    began.resolve();
    return new Promise<never>(() => undefined);
  }, anyone);
  const controller = new AbortController();
  const call = failure(callUnary(clientOf(port), get, request, { signal: controller.signal }));
  await began.promise;
  controller.abort();
  assert.equal((await call).code, status.CANCELLED);
  assert.ok((await stopped.promise) > 0);
});

test("a cancelled call keeps its place until its work is over", async () => {
  const [began, gone, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const handler: Get<undefined> = async ({ notificationId }, { signal }) => {
    signal.addEventListener("abort", () => gone.resolve());
    began.resolve();
    await go.promise;
    return response(notificationId);
  };
  // One caller alone has half of them.
  const { port } = await serve(handler, anyone, { limits: { calls: fixedCallLimit(2) } });
  const client = clientOf(port);
  const controller = new AbortController();
  const cancelled = failure(callUnary(client, get, request, { signal: controller.signal }));
  await began.promise;
  controller.abort();
  assert.equal((await cancelled).code, status.CANCELLED);
  await gone.promise;
  // Behind the cancelled one on the same connection, so the server has seen that it was cancelled.
  assert.equal((await failure(callUnary(client, get, request))).code, status.RESOURCE_EXHAUSTED);
  go.resolve();
  await eventually("the place is free", () =>
    callUnary(client, get, request).then(
      () => true,
      () => false,
    ),
  );
});

test("a client retries UNAVAILABLE and nothing else", async () => {
  let calls = 0;
  const { port } = await serve(async () => {
    calls++;
    return calls < 3 ? callError("UNAVAILABLE", "UNAVAILABLE", "the store is unavailable") : response("third");
  }, anyone);
  assert.equal((await callUnary(clientOf(port), get, request)).notificationId, "third");
  assert.equal(calls, 3);

  let rejections = 0;
  const other = await serve(async () => {
    rejections++;
    return callError("NOT_FOUND", "NOT_FOUND", "no such notification");
  }, anyone);
  await failure(callUnary(clientOf(other.port), get, request));
  assert.equal(rejections, 1);
});

const Health = makeGenericClientConstructor(healthService as never, "Health");
const health = async (port: number, service: string) => {
  const client = stack.use(createClient(Health, `127.0.0.1:${port}`));
  const { Check } = healthService;
  return ((await callUnary(client, Check as never, { service } as never)) as { status: string }).status;
};

test("health follows setServing, but for liveness", async () => {
  const server = await serve(async () => response(""), anyone);
  const all = async () =>
    Promise.all(["", "readiness", "carillon.v1.NotificationService", "liveness"].map((name) => health(server.port, name)));
  assert.deepEqual(await all(), ["NOT_SERVING", "NOT_SERVING", "NOT_SERVING", "SERVING"]);
  server.setServing(true);
  assert.deepEqual(await all(), ["SERVING", "SERVING", "SERVING", "SERVING"]);
  server.setServing(false);
  assert.deepEqual(await all(), ["NOT_SERVING", "NOT_SERVING", "NOT_SERVING", "SERVING"]);
  assert.equal((await failure(health(server.port, "another"))).code, status.NOT_FOUND);
});

test("a request larger than the method's limit gets a status that asks for no repetition", async () => {
  const { port } = await serve(async () => response(""), { ...anyone, messageBytesMax: { getNotification: 1_000 } });
  const details = await failure(callUnary(clientOf(port), get, { notificationId: "a".repeat(2_000) }));
  assert.deepEqual([details.code, details.reason], [status.INVALID_ARGUMENT, "MESSAGE_TOO_LARGE"]);
  assert.match(details.message, /1000 bytes/);
});

test("a stopping server lets calls finish, and cancels those that take too long", async () => {
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow: Get<undefined> = async () => {
    began.resolve();
    await go.promise;
    return response("in time");
  };
  const patient = await serve(slow, anyone, { drainMs: 5_000 });
  const call = callUnary(clientOf(patient.port), get, request);
  await began.promise;
  const stopped = patient[Symbol.asyncDispose]();
  await new Promise(setImmediate);
  const late = connectTcp(patient.port, "127.0.0.1");
  await once(late, "error"); // New connections are rejected.
  go.resolve();
  assert.equal((await call).notificationId, "in time");
  await stopped;

  const begun = Promise.withResolvers<void>();
  const never: Get<undefined> = () => {
    begun.resolve();
    return new Promise(() => undefined);
  };
  const hasty = await serve(never, anyone, { drainMs: 1 });
  const cut = failure(callUnary(clientOf(hasty.port), get, request, { deadlineMs: 30_000 }));
  await begun.promise;
  await hasty[Symbol.asyncDispose]();
  assert.ok([status.UNAVAILABLE, status.CANCELLED].includes((await cut).code));
  assert.ok(lines.some((l) => l.includes("still under way at shutdown")));
});

test("an address in use is an error at start", async () => {
  const { port } = await serve(async () => response(""), anyone);
  await assert.rejects(startGrpcServer({ address: `127.0.0.1:${port}`, services: [], reflection: false, log }));
});
