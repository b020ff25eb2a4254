// The bench's programs start, answer and count correctly. Their speed is not tested.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import {
  type BatchSendNotificationsResult,
  type NotificationServiceServer,
  NotificationServiceService,
} from "../gen/carillon/v1/notification_service.ts";
import { callError } from "../runtime/call-error.ts";
import { startGrpcServer } from "../runtime/grpc/server.ts";
import { toServiceError } from "../runtime/grpc/status.ts";
import { createLogger } from "../runtime/logger.ts";
import { eventually } from "../test/support/eventually.ts";
import { OUTCOME } from "./load/outcomes.ts";
import { countOf, isAccepted, runPaced, statusCounts } from "./load/paced-run.ts";
import { startProgram } from "./program.ts";
import type { BareNatsOrder } from "./programs/bare-nats.ts";
import type { BareStoreOrder } from "./programs/bare-store.ts";
import { BATCH, callGateway } from "./quick/call-gateway.ts";
import { startNaive } from "./quick/naive.ts";
import { startPushStub } from "./quick/push-stub.ts";
import { startWorld } from "./world.ts";

test("a program that cannot answer returns the error", async () => {
  await using load = startProgram(["bench/programs/load.ts"]);
  const order = { address: "127.0.0.1:1", key: "k", batch: 0, notifications: 1 };
  await assert.rejects(callGateway(load, order), /ECONNREFUSED/);
  await using raw = startProgram(["bench/programs/raw-push.ts", "https://127.0.0.1:1", "/nowhere"]);
  await assert.rejects(raw.ask({ pushes: 1 }), /raw-push\.ts ended \(1\): .*ENOENT/s);
});

test("the load generator sends exactly the requested number of notifications, also beyond HTTP/2's windows", async () => {
  await using bare = startProgram(["bench/programs/null-gateway.ts"]);
  await using load = startProgram(["bench/programs/load.ts"]);
  const { address } = await bare.ask<{ address: string }>();
  for (const [batch, notifications] of [
    [0, 700],
    [BATCH, 5_000],
  ] as const)
    assert.equal((await callGateway(load, { address, key: "k", batch, notifications })).items, notifications);
});

test("rejected calls and items are counted separately from accepted ones", async () => {
  let answered = 0;
  const error = { code: status.INVALID_ARGUMENT, message: "no", reason: "INVALID_FIELD", fields: [], retryAfter: undefined };
  const accepted = { notificationId: "n", acceptedAt: new Date(), deliveries: [], repeatedKey: false };
  const implementation: NotificationServiceServer = {
    sendNotification: (_, answer) => (++answered % 2 ? answer(null, { accepted }) : answer(error)),
    batchSendNotifications: (call, answer) => {
      const results = call.request.notifications.map(
        (_, i): BatchSendNotificationsResult => ({
          result: i % 4 === 0 ? { $case: "accepted", value: accepted } : { $case: "error", value: error },
        }),
      );
      answer(null, { results });
    },
    previewNotification: (_, answer) => answer(error),
    getNotification: (_, answer) => answer(error),
    listNotifications: (_, answer) => answer(error),
    cancelNotifications: (_, answer) => answer(error),
  };
  const services = [{ definition: NotificationServiceService, implementation, authenticate: () => undefined }];
  await using server = await startGrpcServer({ address: "127.0.0.1:0", services, reflection: false, log: createLogger("test", "silent") });
  await using load = startProgram(["bench/programs/load.ts"]);
  const of = (batch: number) => ({ address: server.address, key: "k", batch, notifications: 2 * BATCH });
  await assert.rejects(callGateway(load, of(0)), /100 of 200 notifications were not accepted/);
  await assert.rejects(callGateway(load, of(BATCH)), /150 of 200 notifications were not accepted/);
});

test("paced calls end as accepted, as the status that the server gave, or as given up", async () => {
  const retryAfterMs = 1_500;
  const full = toServiceError(callError("RESOURCE_EXHAUSTED", "OVERLOADED", "100 % full", { retryAfterMs }));
  const accepted = { notificationId: "n", acceptedAt: new Date(), deliveries: [], repeatedKey: false };
  let [answers, answered] = [true, 0];
  const implementation: NotificationServiceServer = {
    sendNotification(_, answer) {
      if (!answers) return;
      if (answered++ % 2 === 0) answer(null, { accepted });
      else answer(full);
    },
    batchSendNotifications: (_, answer) => answer(full),
    previewNotification: (_, answer) => answer(full),
    getNotification: (_, answer) => answer(full),
    listNotifications: (_, answer) => answer(full),
    cancelNotifications: (_, answer) => answer(full),
  };
  const services = [{ definition: NotificationServiceService, implementation, authenticate: () => undefined }];
  await using server = await startGrpcServer({ address: "127.0.0.1:0", services, reflection: false, log: createLogger("test", "silent") });
  await using load = startProgram(["bench/programs/load.ts"]);
  const order = { address: server.address, key: "k", perSecond: 3_000, calls: 200, connections: 1, first: 1 };

  const run = await runPaced(load, { ...order, deadlineMs: 60_000 });
  assert.equal(countOf(run, isAccepted), 100);
  assert.deepEqual(statusCounts(run), [
    { status: { code: status.RESOURCE_EXHAUSTED, reason: "OVERLOADED", hasRetryInfo: true, message: "100 % full" }, count: 100 },
  ]);
  assert.deepEqual([run.connectionsLost, run.connectionsSentAway], [0, 0]);

  answers = false;
  const unanswered = await runPaced(load, { ...order, calls: 100, deadlineMs: 2_000, cancelling: { share: 0.5, afterMs: 500 } });
  const [cancelled, expired] = [OUTCOME.cancelled, OUTCOME.expired].map((outcome) => countOf(unanswered, (o) => o === outcome));
  // Exactly half of them each, unless the machine stands still so long that the deadline of a call passes before it is cancelled.
  assert.ok(cancelled! > 0 && expired! >= 50, `${cancelled} cancelled, ${expired} expired`);
  assert.equal(cancelled! + expired!, 100);
  assert.deepEqual([unanswered.connectionsLost, unanswered.connectionsSentAway], [0, 0]);
});

test("calls of a connection that the server ends are lost, and the next ones are made on another connection", async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => sockets.size === 1 && setTimeout(() => socket.destroy(), 50));
  }).listen(0, "127.0.0.1");
  await once(silent, "listening");
  await using load = startProgram(["bench/programs/load.ts"]);
  const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const run = await runPaced(load, { address, key: "k", perSecond: 100, calls: 50, connections: 1, first: 1, deadlineMs: 1_000 });
  for (const socket of sockets) socket.destroy();
  silent.close();
  const [lost, expired] = [OUTCOME.lost, OUTCOME.expired].map((outcome) => countOf(run, (o) => o === outcome));
  assert.ok(lost! > 0 && expired! > 0);
  assert.deepEqual([lost! + expired!, run.connectionsLost, sockets.size], [50, 1, 2]);
});

test("the stub counts what the raw client and the naive flow push", async () => {
  await using world = await startWorld();
  await using stub = await startPushStub(world);
  await using raw = startProgram(["bench/programs/raw-push.ts", stub.origin, stub.caFile]);
  await raw.ask({ pushes: 1_500 });
  assert.equal(await stub.taken(), 1_500);
  await using naive = await startNaive(world, stub);
  await using load = startProgram(["bench/programs/load.ts"]);
  for (const batch of [0, BATCH]) await callGateway(load, { address: naive.address, key: "", batch, notifications: BATCH });
  await eventually("all are pushed", async () => (await stub.taken()) === 1_500 + 2 * BATCH);
});

test("the bare parts write, publish, take and claim as many as they are asked to", async () => {
  await using world = await startWorld();
  const path = join(world.directory, "bare.sqlite");
  await using store = startProgram(["bench/programs/bare-store.ts", path]);
  for (const write of ["insert", "publish", "claim", "settle"] as const)
    for (const isPreparation of [true, false]) await store.ask({ write, items: 250, isPreparation } satisfies BareStoreOrder);
  using database = new DatabaseSync(path, { readOnly: true });
  const count = (table: string) => Number(database.prepare(`select count(*) as n from ${table}`).get()?.n);
  // Beside the templates: claims are made for notifications of other preparations too.
  assert.deepEqual([count("notifications"), count("attempts")], [1 + 3 * 250, 1 + 2 * 250]);
  assert.equal(Number(database.prepare("select count(*) as n from notifications where ended_at is not null").get()?.n), 1 + 250);
  await using nats = startProgram(["bench/programs/bare-nats.ts", world.natsServer.url]);
  const inStream = async () => (await world.manager.streams.info("BARE")).state.messages;
  await nats.ask({ kind: "publish", messages: 700 } satisfies BareNatsOrder);
  assert.equal(await inStream(), 700);
  await nats.ask({ kind: "consume", messages: 700 } satisfies BareNatsOrder);
  assert.equal(await inStream(), 0);
  await using redis = startProgram(["bench/programs/bare-redis.ts", world.redisServer.url]);
  await redis.ask({ claims: 250 });
});
