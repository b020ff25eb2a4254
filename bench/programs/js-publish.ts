// Publishes through the NATS client alone: the baseline of the relay. The same payload and stream settings, and the client's own publish().
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { wantedStream } from "../../adapters/nats/stream-settings.ts";
import { streamVariables } from "../../adapters/nats/stream-variables.ts";
import { encodeTask } from "../../adapters/nats/task-codec.ts";
import { toTask } from "../../core/delivery/task.ts";
import { readConfig } from "../../runtime/config.ts";
import { answering } from "../answering.ts";
import { duePush } from "../due-push.ts";

const STREAM = "RAW";
/** Publishes that wait for the server's answer. */
const IN_FLIGHT = 256;

const [natsUrl = ""] = process.argv.slice(2);
const nats = await connect({ servers: natsUrl });
const js = jetstream(nats);
const manager = await jetstreamManager(nats);
await manager.streams.add({ ...wantedStream("fcm", readConfig(streamVariables, {})), name: STREAM, subjects: ["raw"] });
const record = duePush(1, Date.now());
const payload = encodeTask(toTask(record, record.deliveries[0]!));
let sent = 0;

answering(async ({ messages }: { messages: number }) => {
  const [began, end] = [performance.now(), sent + messages];
  const publisher = async () => {
    // As long as a task's own id.
    while (sent < end) await js.publish("raw", payload, { msgID: `${String(++sent).padStart(32, "0")}-0.1.0` });
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, publisher));
  const ms = performance.now() - began;
  const { state } = await manager.streams.info(STREAM);
  if (state.messages !== messages) throw new Error(`${state.messages} of ${messages} messages are in the stream`);
  await manager.streams.purge(STREAM);
  return { ms };
});
