// A naive baseline on the SDKs' defaults: a row in SQLite per notification, a publish per notification, no
// batching, no fencing, no retry. Carillon's end-to-end figures are compared with it; it is not meant for use.
import { DatabaseSync } from "node:sqlite";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import type { Accepted, Notification } from "../../../gen/carillon/v1/notification_service.ts";
import { answering } from "../../answering.ts";
import { accepted, pushRequest, serveNotifications } from "../notification-server.ts";

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
  const { id, token, push } = pushRequest(notification);
  const optedOut = (await redis.sismember("opted-out", token)) === 1;
  const document = JSON.stringify({ id, token, push, acceptedAt: Date.now() });
  const isNew = !optedOut && Number(insert.run(id, document).changes) > 0;
  if (isNew) await js.publish("naive.apns", document, { msgID: id });
  return accepted(id, { repeatedKey: !isNew, suppressed: optedOut });
}

const address = await serveNotifications(accept);
answering(() => ({ address }));
