import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import {
  type Accepted,
  Copy,
  type Notification,
  type NotificationServiceServer,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";

/** What is accepted: its key, and the device token it goes to. */
export interface PushRequest {
  id: string;
  token: string;
  push: { title: string; body: string; data: Record<string, string> };
}

/** Throws where the notification is no push to an iOS device. */
export function pushRequest(notification: Notification | undefined): PushRequest {
  const to = notification?.recipient?.to;
  const address = to?.$case === "endpoint" ? to.value.address : undefined;
  const push = notification?.content?.push;
  if (notification === undefined || push === undefined || address?.$case !== "apnsToken") throw new Error("no push to a device token");
  const { title, body, data } = push;
  return { id: notification.idempotencyKey, token: address.value, push: { title, body, data } };
}

export function accepted(id: string, { repeatedKey = false, suppressed = false } = {}): Accepted {
  const suppressedReason = suppressed ? { code: "opted-out", detail: "" } : undefined;
  return {
    notificationId: id,
    acceptedAt: new Date(),
    deliveries: [
      { deliveryId: `${id}-0`, channel: 1, suppressedReason, smsSegments: 0, smsForm: 0, smsDestination: "", copy: Copy.COPY_UNSPECIFIED },
    ],
    repeatedKey,
  };
}

/**
 * A server with the gateway's contract, on grpc-js alone: it answers once `accept` has resolved, and with UNAVAILABLE where it rejected. The
 * notifications of a batch are accepted one after the other.
 * @param port 0: any
 * @returns host:port
 */
export async function serveNotifications(accept: (notification: Notification | undefined) => Promise<Accepted>, port = 0): Promise<string> {
  const unavailable = (error: unknown) => ({ code: status.UNAVAILABLE, message: String(error) });
  const service: NotificationServiceServer = {
    sendNotification: (call, answer) =>
      void accept(call.request.notification).then(
        (value) => answer(null, { accepted: value }),
        (error) => answer(unavailable(error)),
      ),
    batchSendNotifications: async (call, answer) => {
      try {
        const all: Accepted[] = [];
        for (const notification of call.request.notifications) all.push(await accept(notification));
        answer(null, { results: all.map((value) => ({ result: { $case: "accepted", value } })) });
      } catch (error) {
        answer(unavailable(error));
      }
    },
    previewNotification: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
    getNotification: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
    listNotifications: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
    cancelNotifications: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
  };
  const server = new Server();
  server.addService(NotificationServiceService, service);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  return `127.0.0.1:${await promise}`;
}
