// The worker of a model of Novu: three queues in one process, as in Novu's, and a push by @parse/node-apn on its defaults at the end.
import { answering } from "../../answering.ts";
import type { PushRequest } from "../notification-server.ts";
import { apnOptions, loadPackage } from "./packages.ts";
import { addJob, connectQueues, SEND, SUBSCRIBER, TRIGGER } from "./queues.ts";

/** Novu's defaults (libs/application-generic/src/config/workers.ts). */
const CONCURRENCY = 200;
const LOCK_MS = 90_000;

const [folder = "", redisUrl = "", origin = "", keyFile = "", caFile = ""] = process.argv.slice(2);
const { bullmq, connection, open } = connectQueues(folder, redisUrl);
const apn = loadPackage(folder, "@parse/node-apn");
const provider = new apn.Provider(apnOptions(origin, keyFile, caFile));
const [subscribers, sends] = [open(SUBSCRIBER), open(SEND)];

async function send({ token, push }: PushRequest): Promise<void> {
  const alert = { title: push.title, body: push.body };
  const { failed } = await provider.send(new apn.Notification({ alert, topic: "dev.carillon.app", payload: push.data }), token);
  if (failed.length > 0) throw new Error(JSON.stringify(failed[0]));
}

const work = (queue: string, process: (request: PushRequest) => Promise<unknown>) =>
  new bullmq.Worker(queue, async ({ data }) => void (await process(data)), { connection, concurrency: CONCURRENCY, lockDuration: LOCK_MS });
const workers = [
  work(TRIGGER, (request) => addJob(subscribers, request)),
  work(SUBSCRIBER, (request) => addJob(sends, request)),
  work(SEND, send),
];
await Promise.all(workers.map((worker) => worker.waitUntilReady()));
answering(() => ({}));
