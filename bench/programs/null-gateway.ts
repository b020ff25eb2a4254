// A gRPC server with the gateway's contract that decodes, answers and stores nothing: the cost of grpc-js alone.
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import {
  type Notification,
  type NotificationServiceServer,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { answering } from "../answering.ts";
import { accepted } from "./notification-server.ts";

const acceptedAs = (notification: Notification | undefined) => accepted(notification?.idempotencyKey.padStart(32, "0") ?? "");

const service: NotificationServiceServer = {
  sendNotification: (call, answer) => answer(null, { accepted: acceptedAs(call.request.notification) }),
  batchSendNotifications: (call, answer) =>
    answer(null, { results: call.request.notifications.map((n) => ({ result: { $case: "accepted", value: acceptedAs(n) } })) }),
  previewNotification: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
  getNotification: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
  listNotifications: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
  cancelNotifications: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
};
const server = new Server();
server.addService(NotificationServiceService, service);
const { promise, resolve, reject } = Promise.withResolvers<number>();
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
const address = `127.0.0.1:${await promise}`;
answering(() => ({ address }));
