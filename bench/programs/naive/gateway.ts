// A naive baseline on the SDKs' defaults: a row in SQLite per notification, a publish per notification, no
// batching, no fencing, no retry. Carillon's end-to-end figures are compared with it; it is not meant for use.
import { DatabaseSync } from "node:sqlite";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import {
  type Accepted,
  type Notification,
  type NotificationServiceServer,
  NotificationServiceService,
} from "../../../gen/carillon/v1/notification_service.ts";
import { answering } from "../../answering.ts";

const [natsUrl = "", redisUrl = "", file = ""] = process.argv.slice(2);
const nats = await connect({ servers: natsUrl });
const js = jetstream(nats);
const manager = await jetstreamManager(nats);
await manager.streams.add({ name: "NAIVE", subjects: ["naive.>"], retention: "workqueue" });
await manager.consumers.add("NAIVE", { durable_name: "worker", ack_policy: "explicit", max_ack_pending: 10_000 });
const redis = new Redis(redisUrl);
const db = new DatabaseSync(file);
db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000");
db.exec("CREATE TABLE notifications (id TEXT PRIMARY KEY, state TEXT, document TEXT)");
const insert = db.prepare("INSERT INTO notifications VALUES (?, 'pending', ?) ON CONFLICT DO NOTHING");

async function accept(notification: Notification | undefined): Promise<Accepted> {
  const to = notification?.recipient?.to;
  const address = to?.$case === "endpoint" ? to.value.address : undefined;
  if (notification === undefined || address?.$case !== "apnsToken") throw new Error("no device token");
  const id = notification.idempotencyKey;
  const optedOut = (await redis.sismember("opted-out", address.value)) === 1;
  const document = JSON.stringify({ id, token: address.value, push: notification.content?.push, acceptedAt: Date.now() });
  const isNew = !optedOut && Number(insert.run(id, document).changes) > 0;
  if (isNew) await js.publish("naive.apns", document, { msgID: id });
  const deliveries = [
    { deliveryId: `${id}-0`, channel: 1 as const, suppressedReason: optedOut ? { code: "opted-out", detail: "" } : undefined },
  ];
  return { notificationId: id, acceptedAt: new Date(), deliveries, repeatedKey: !isNew };
}

const service: NotificationServiceServer = {
  sendNotification: (call, answer) =>
    void accept(call.request.notification).then(
      (accepted) => answer(null, { accepted }),
      (error) => answer({ code: status.UNAVAILABLE, message: String(error) }),
    ),
  batchSendNotifications: async (call, answer) => {
    try {
      const accepted: Accepted[] = [];
      for (const notification of call.request.notifications) accepted.push(await accept(notification));
      answer(null, { results: accepted.map((value) => ({ result: { $case: "accepted", value } })) });
    } catch (error) {
      answer({ code: status.UNAVAILABLE, message: String(error) });
    }
  },
  getNotification: (_, answer) => answer({ code: status.UNIMPLEMENTED }),
};
const server = new Server();
server.addService(NotificationServiceService, service);
const { promise, resolve, reject } = Promise.withResolvers<number>();
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
const address = `127.0.0.1:${await promise}`;
answering(() => ({ address }));
