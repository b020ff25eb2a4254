// client.ts ADDRESS API_KEY SERVICE_CONFIG_FILE: sends one e-mail and prints its final state. Exit code 0 if it was sent.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { credentials, Metadata } from "@grpc/grpc-js";
// Made by `npx buf generate gen/carillon.binpb`.
import * as pb from "../../../clients/typescript/carillon/v1/notification_service.ts";

/** Usually well under a second; the rest is for a busy machine. */
const DEADLINE_MS = 30_000;

const [address = "", apiKey = "", serviceConfigFile = ""] = process.argv.slice(2);
const client = new pb.NotificationServiceClient(address, credentials.createInsecure(), {
  "grpc.service_config": readFileSync(serviceConfigFile, "utf8"),
  "grpc.service_config_disable_resolution": 1,
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 20_000,
});
const metadata = new Metadata();
metadata.set("authorization", `Bearer ${apiKey}`);
const send = (notification: pb.Notification) =>
  new Promise<pb.SendNotificationResponse>((resolve, reject) => {
    const deadline = Date.now() + 5_000;
    client.sendNotification({ notification }, metadata, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
const get = (notificationId: string | undefined) =>
  new Promise<pb.GetNotificationResponse>((resolve, reject) => {
    const deadline = Date.now() + 5_000;
    client.getNotification({ notificationId }, metadata, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });

const { accepted } = await send({
  idempotencyKey: randomUUID(),
  recipient: { endpoint: { emailAddress: "ada@example.com" } },
  notificationClass: pb.NotificationClass.NOTIFICATION_CLASS_TRANSACTIONAL,
  category: "receipts",
  content: { email: { subject: "Your receipt", text: "Thank you." } },
});

const until = Date.now() + DEADLINE_MS;
const open: (pb.DeliveryState | undefined)[] = [pb.DeliveryState.DELIVERY_STATE_PENDING, pb.DeliveryState.DELIVERY_STATE_UNCERTAIN];
let state: pb.DeliveryState | undefined = pb.DeliveryState.DELIVERY_STATE_PENDING;
while (open.includes(state) && Date.now() < until) {
  await delay(100);
  state = (await get(accepted?.notificationId)).deliveries?.[0]?.state;
}

client.close();
console.log(Object.entries(pb.DeliveryState).find(([, value]) => value === state)?.[0]);
process.exitCode = state === pb.DeliveryState.DELIVERY_STATE_SENT || state === pb.DeliveryState.DELIVERY_STATE_DELIVERED ? 0 : 1;
