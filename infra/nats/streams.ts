import { AckPolicy, DiscardPolicy, type JetStreamManager, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { CHANNELS, type Channel, CLASSES } from "../../core/channel.ts";
import { consumerName, streamName, streamSubjects, taskSubject } from "../../core/subjects.ts";
import { integer, ms, type Values } from "../config.ts";
import type { Nats } from "./connect.ts";

export const streamVariables = {
  NATS_REPLICAS: integer(1, 5, { default: "1", unit: "servers", reason: "copies of each stream; 3 on a cluster" }),
  NATS_STREAM_BYTES_MAX: integer(1_000_000, 2 ** 44, {
    default: "4294967296",
    unit: "bytes",
    reason: "bound of each channel's stream; a full one refuses and the outbox keeps the rest",
  }),
  NATS_ACK_WAIT_MS: ms(5_000, 600_000, {
    default: "60000",
    reason: "after this a silent dispatcher's task is handed to another; longer than claim, provider deadline and record together",
  }),
  NATS_ACK_PENDING_MAX: integer(1, 1_000_000, {
    default: "10000",
    unit: "tasks",
    reason: "handed out and not yet acknowledged, over all pods of a channel and class: most replicas x DISPATCH_IN_FLIGHT",
  }),
};

const NANOS_PER_MS = 1_000_000;
/** Saves work only: JetStream forgets it on restart. At 280 B an id, 1,900/s need 64 MB. */
const DUPLICATE_WINDOW_MS = 120_000;

type StreamConfig = Values<typeof streamVariables>;

/** Creates or updates each channel's stream and its three consumers, and reads back what the server really took. */
export async function ensureStreams(nats: Nats, config: StreamConfig, channels: readonly Channel[] = CHANNELS): Promise<void> {
  const jsm = await jetstreamManager(nats);
  for (const channel of channels) {
    await ensureStream(jsm, channel, config);
    for (const notificationClass of CLASSES) {
      const settings = {
        durable_name: consumerName(channel, notificationClass),
        filter_subject: taskSubject(channel, notificationClass),
        ack_policy: AckPolicy.Explicit,
        ack_wait: config.NATS_ACK_WAIT_MS * NANOS_PER_MS,
        max_ack_pending: config.NATS_ACK_PENDING_MAX,
        // We count attempts and decide ends; the server never does.
        max_deliver: -1,
      };
      const info = await jsm.consumers.add(streamName(channel), settings);
      expectSame(`consumer ${settings.durable_name}`, settings, info.config);
    }
  }
}

async function ensureStream(jsm: JetStreamManager, channel: Channel, config: StreamConfig): Promise<void> {
  const name = streamName(channel);
  const settings = {
    subjects: [streamSubjects(channel)],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_bytes: config.NATS_STREAM_BYTES_MAX,
    duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS,
    num_replicas: config.NATS_REPLICAS,
  };
  let exists = true;
  try {
    await jsm.streams.info(name);
  } catch {
    exists = false;
  }
  const info = exists ? await jsm.streams.update(name, settings) : await jsm.streams.add({ name, ...settings });
  expectSame(`stream ${name}`, settings, info.config);
}

/** Servers drop fields they do not know without a word. */
function expectSame(what: string, wanted: object, got: object): void {
  for (const [key, value] of Object.entries(wanted)) {
    const actual = (got as Record<string, unknown>)[key];
    if (JSON.stringify(actual) !== JSON.stringify(value)) {
      throw new Error(
        `NATS ${what}: ${key} is ${JSON.stringify(actual)} after setting it to ${JSON.stringify(value)}; is the server too old?`,
      );
    }
  }
}
