// A gRPC server with the gateway's contract that decodes, answers and stores nothing: the cost of grpc-js alone.
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import {
  type Accepted,
  type Notification,
  type NotificationServiceServer,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { answering } from "../answering.ts";

function accepted(notification: Notification | undefined): Accepted {
  const notificationId = notification?.idempotencyKey.padStart(32, "0") ?? "";
  const deliveries = [{ deliveryId: `${notificationId}-0`, channel: 1 as const, suppressedReason: undefined }];
  return { notificationId, acceptedAt: new Date(), deliveries, repeatedKey: false };
}

const service: NotificationServiceServer = {
  sendNotification: (call, answer) => answer(null, { accepted: accepted(call.request.notification) }),
  batchSendNotifications: (call, answer) =>
    answer(null, { results: call.request.notifications.map((n) => ({ result: { $case: "accepted", value: accepted(n) } })) }),
  getNotification: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
};
const server = new Server();
server.addService(NotificationServiceService, service);
const { promise, resolve, reject } = Promise.withResolvers<number>();
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
const address = `127.0.0.1:${await promise}`;
answering(() => ({ address }));
