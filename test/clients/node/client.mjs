// client.mjs ADDRESS API_KEY SERVICE_CONFIG_FILE: sends one e-mail and prints how it ended. Exit code 0 if it went out.
//
// What a program in Node needs: @grpc/grpc-js, @grpc/proto-loader and gen/carillon.binpb.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { credentials, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";

/** The whole way takes well under a second; the rest is for a machine busy with other things. */
const ENDED_WITHIN_MS = 30_000;

const [address, apiKey, serviceConfigFile] = process.argv.slice(2);
const descriptors = readFileSync(new URL("../../../gen/carillon.binpb", import.meta.url));
const { carillon } = loadPackageDefinition(loadFileDescriptorSetFromBuffer(descriptors, { enums: String }));
const client = new carillon.v1.NotificationService(address, credentials.createInsecure(), {
  "grpc.service_config": readFileSync(serviceConfigFile, "utf8"),
  "grpc.service_config_disable_resolution": 1,
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 20_000,
});
const metadata = new Metadata();
metadata.set("authorization", `Bearer ${apiKey}`);
const call = (method, request) => promisify(client[method]).call(client, request, metadata, { deadline: Date.now() + 5_000 });

const { accepted } = await call("SendNotification", {
  notification: {
    idempotency_key: randomUUID(),
    recipient: { endpoint: { email_address: "ada@example.com" } },
    notification_class: "NOTIFICATION_CLASS_TRANSACTIONAL",
    category: "receipts",
    content: { email: { subject: "Your receipt", text: "Thank you." } },
  },
});

const deadline = performance.now() + ENDED_WITHIN_MS;
let state;
do {
  if (state) await delay(100);
  state = (await call("GetNotification", { notification_id: accepted.notification_id })).deliveries[0].state;
} while (["DELIVERY_STATE_PENDING", "DELIVERY_STATE_UNCERTAIN"].includes(state) && performance.now() < deadline);

client.close();
console.log(state);
process.exitCode = ["DELIVERY_STATE_SENT", "DELIVERY_STATE_DELIVERED"].includes(state) ? 0 : 1;
