// The second half of ./gateway.ts: consumes one message at a time, remembers sent ids in Redis, and sends through apns2.
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type JsMsg, jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { ApnsClient, Notification } from "apns2";
import { Redis } from "ioredis";
import { Pool } from "undici";
import { answering } from "../../answering.ts";
import type { PushRequest } from "../notification-server.ts";

/** The same number as a dispatcher of Carillon handles at once. */
const IN_FLIGHT_MAX = 128;
const REMEMBERED_S = 86_400;
const AGAIN_MS = 1_000;

const [natsUrl = "", redisUrl = "", file = "", keyFile = "", origin = "", caFile = ""] = process.argv.slice(2);
const client = new ApnsClient({
  ...{ team: "CARILLON01", keyId: "SANDBOXKEY", defaultTopic: "dev.carillon.app" },
  signingKey: readFileSync(keyFile, "utf8"),
});
// apns2 has no option for a port or a CA, so its pool is replaced by one with the same options for the stub.
const pool = new Pool(origin, { connections: 32, pipelining: 1, allowH2: true, connect: { ca: readFileSync(caFile) } });
Object.assign(client, { client: pool });

const nats = await connect({ servers: natsUrl });
const consumer = await jetstream(nats).consumers.get("NAIVE", "worker");
const redis = new Redis(redisUrl);
const db = new DatabaseSync(file);
db.exec("PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000");
const update = db.prepare("UPDATE notifications SET state = 'sent' WHERE id = ?");

async function handle(msg: JsMsg): Promise<void> {
  try {
    const { id, token, push } = msg.json<PushRequest>();
    if ((await redis.set(`sent:${id}`, "1", "EX", REMEMBERED_S, "NX")) !== null) {
      await client.send(new Notification(token, { alert: { title: push.title, body: push.body }, data: push.data }));
      update.run(id);
    }
    msg.ack();
  } catch (error) {
    process.stderr.write(`${error}\n`);
    msg.nak(AGAIN_MS);
  }
}

answering(() => ({}));
const underWay = new Set<Promise<void>>();
for await (const msg of await consumer.consume()) {
  if (underWay.size >= IN_FLIGHT_MAX) await Promise.race(underWay);
  const work = handle(msg).finally(() => underWay.delete(work));
  underWay.add(work);
}
