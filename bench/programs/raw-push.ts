// Sends pushes through node:http2 alone: the baseline of dispatcher-apns.
import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { answering } from "../answering.ts";

/** Concurrent pushes on the one connection. */
const STREAMS = 256;

const [origin = "", caFile = ""] = process.argv.slice(2);
const session = connect(origin, { ca: readFileSync(caFile) });
let sent = 0;

function push(): Promise<void> {
  const n = String(++sent).padStart(16, "0");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stream = session.request({
    ":method": "POST",
    ":path": `/3/device/${n.padStart(64, "a")}`,
    authorization: `bearer ${"t".repeat(200)}`,
    "apns-push-type": "alert",
    "apns-topic": "dev.carillon.app",
    "apns-priority": "10",
    "apns-id": `00000000-0000-0000-${n.slice(0, 4)}-${n.slice(4)}`,
    "content-type": "application/json",
  });
  stream.on("response", ({ ":status": status }) => (status === 200 ? resolve() : reject(new Error(`answered ${status}`))));
  stream.on("error", reject);
  stream.resume();
  const alert = { title: "Your order", body: "It is on its way and arrives today." };
  stream.end(JSON.stringify({ aps: { alert }, order: "1017", carillon: { delivery: `${n.padStart(32, "0")}-0`, attempt: "1" } }));
  return promise;
}

answering(async ({ pushes }: { pushes: number }) => {
  const [began, end] = [performance.now(), sent + pushes];
  const sender = async () => {
    while (sent < end) await push();
  };
  await Promise.all(Array.from({ length: STREAMS }, sender));
  return { ms: performance.now() - began };
});
