// The bench's programs start, answer and count correctly. Their speed is not tested.
import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import {
  type BatchSendNotificationsResult,
  type NotificationServiceServer,
  NotificationServiceService,
} from "../gen/carillon/v1/notification_service.ts";
import { startGrpcServer } from "../runtime/grpc/server.ts";
import { createLogger } from "../runtime/logger.ts";
import { eventually } from "../test/support/eventually.ts";
import { startProgram } from "./program.ts";
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
    getNotification: (_, answer) => answer(error),
  };
  const services = [{ definition: NotificationServiceService, implementation, authenticate: () => undefined }];
  await using server = await startGrpcServer({ address: "127.0.0.1:0", services, reflection: false, log: createLogger("test", "silent") });
  await using load = startProgram(["bench/programs/load.ts"]);
  const of = (batch: number) => ({ address: server.address, key: "k", batch, notifications: 2 * BATCH });
  await assert.rejects(callGateway(load, of(0)), /100 of 200 notifications were not accepted/);
  await assert.rejects(callGateway(load, of(BATCH)), /150 of 200 notifications were not accepted/);
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
