// The product's tasks, published and consumed by the NATS client with nothing of the product around it.
import { AckPolicy, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, createInbox, headers } from "@nats-io/transport-node";
import { wantedStream } from "../../adapters/nats/stream-settings.ts";
import { streamVariables } from "../../adapters/nats/stream-variables.ts";
import { encodeTask } from "../../adapters/nats/task-codec.ts";
import { toTask } from "../../core/delivery/task.ts";
import { readConfig } from "../../runtime/config.ts";
import { answering } from "../answering.ts";
import { duePush } from "../due-push.ts";

export interface BareNatsOrder {
  /** "consume" takes what was published before. */
  kind: "publish" | "consume" | "purge";
  messages: number;
}

const STREAM = "BARE";
/** Publishes that wait for the server's answer; more only add latency. */
const IN_FLIGHT = 256;
/** Messages of a pull. */
const PULL = 500;

const [natsUrl = ""] = process.argv.slice(2);
const nats = await connect({ servers: natsUrl });
const js = jetstream(nats);
const manager = await jetstreamManager(nats);
await manager.streams.add({ ...wantedStream("apns", readConfig(streamVariables, {})), name: STREAM, subjects: ["bare"] });
await manager.consumers.add(STREAM, { durable_name: "bare", ack_policy: AckPolicy.Explicit, max_ack_pending: 10 * PULL });
const record = duePush(1, Date.now());
const payload = encodeTask(toTask(record, record.deliveries[0]!));
let made = Date.now() * 1_000;

/** One subscription for all answers: the client's own publish() makes two errors with their stacks for each message. */
const inbox = `${createInbox()}.`;
let answered: (stored: boolean) => void = () => undefined;
nats.subscribe(`${inbox}*`, {
  callback: (error, message) => answered(error === null && message.json<{ seq?: number }>().seq !== undefined),
});

function publish(messages: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let [sent, stored] = [0, 0];
  const next = () => {
    const hdrs = headers();
    // As long as a task's own id.
    hdrs.set("Nats-Msg-Id", `${String(++made).padStart(32, "0")}-0.1.0`);
    nats.publish("bare", payload, { reply: inbox + ++sent, headers: hdrs });
  };
  answered = (isStored) => {
    if (!isStored) reject(new Error("a message was not stored"));
    else if (++stored === messages) resolve();
    else if (sent < messages) next();
  };
  while (sent < Math.min(messages, IN_FLIGHT)) next();
  return promise;
}

async function consume(messages: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let taken = 0;
  const callback = (message: JsMsg) => {
    message.ack();
    if (++taken === messages) resolve();
  };
  const consumer = await js.consumers.get(STREAM, "bare");
  const consuming = await consumer.consume({ max_messages: PULL, callback });
  await promise;
  // The server has every acknowledgement.
  await nats.flush();
  await consuming.close();
}

answering(async ({ kind, messages }: BareNatsOrder) => {
  const began = performance.now();
  if (kind === "publish") await publish(messages);
  else if (kind === "consume") await consume(messages);
  else await manager.streams.purge(STREAM);
  return { ms: performance.now() - began };
});
