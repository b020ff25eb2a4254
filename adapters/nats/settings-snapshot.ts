import { type ConsumerConfig, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import type { Shape } from "../schema-snapshot.ts";
import { asOperatorError, isMissing } from "./api-fault.ts";
import type { Nats } from "./connect.ts";
import { isUnset, shown } from "./settings.ts";
import { NANOS_PER_MS } from "./stream-variables.ts";

/** JetStream counts these in nanoseconds. */
const DURATIONS = ["max_age", "duplicate_window", "ack_wait", "inactive_threshold", "max_expires"];
/** Names, and metadata that the server writes. */
const NOT_SETTINGS = ["name", "durable_name", "metadata"];

/** The channels' streams and every consumer on them. Rejects with an OperatorError. */
export async function readStreamShape(nats: Nats): Promise<Shape> {
  const shape = new Map<string, Record<string, string>>();
  try {
    const jsm = await jetstreamManager(nats);
    for (const stream of CHANNELS.map(streamName)) {
      const info = await jsm.streams.info(stream).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      if (!info) continue;
      shape.set(`stream ${stream}`, settingsOf(info.config));
      const consumers = await Array.fromAsync(jsm.consumers.list(stream));
      for (const { name, config } of consumers.sort((a, b) => (a.name < b.name ? -1 : 1)))
        shape.set(`consumer ${name} of ${stream}`, settingsOf(config));
    }
    return shape;
  } catch (error) {
    throw asOperatorError(error, nats.getServer());
  }
}

const settingsOf = (config: StreamConfig | ConsumerConfig): Record<string, string> =>
  Object.fromEntries(
    Object.entries(config)
      .filter(([setting, value]) => !NOT_SETTINGS.includes(setting) && !isUnset(value))
      .map(([setting, value]) => [setting, DURATIONS.includes(setting) ? `${Number(value) / NANOS_PER_MS} ms` : shown(value)]),
  );
