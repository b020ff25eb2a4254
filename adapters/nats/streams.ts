import { type ConsumerInfo, JetStreamApiError, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { CHANNELS, type Channel, CLASSES } from "../../core/delivery/channel.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import { type Danger, UnsafeSettingError } from "../unsafe-setting.ts";
import { asOperatorError, isMissing, isOverlap, knownRejection, rejection } from "./api-fault.ts";
import type { Nats } from "./connect.ts";
import { consumerDangers, foreignConsumers, mendedConsumer, type WantedConsumer, wantedConsumer } from "./consumer-settings.ts";
import { shown, subjectsOverlap } from "./settings.ts";
import { mendedStream, streamDangers, type WantedStream, wantedStream } from "./stream-settings.ts";
import type { StreamValues } from "./stream-variables.ts";

export { streamVariables } from "./stream-variables.ts";

/**
 * Creates each channel's stream and its three consumers where they are missing, corrects the settings that a server can change, and reads back
 * the result. Rejects with an UnsafeSettingError that names every remaining fault, or an UnreachableError.
 */
export async function ensureStreams(nats: Nats, config: StreamValues, channels: readonly Channel[] = CHANNELS): Promise<void> {
  const host = nats.getServer();
  try {
    const jsm = await jetstreamManager(nats);
    const dangers: Danger[] = [];
    for (const channel of channels) {
      const ofStream = await ensureStream(nats, jsm, channel, config);
      dangers.push(...ofStream);
      if (ofStream.length === 0) dangers.push(...(await ensureConsumers(nats, jsm, channel, config)));
    }
    if (dangers.length > 0) throw new UnsafeSettingError(`NATS at ${host}`, dangers);
  } catch (error) {
    throw asOperatorError(error, host);
  }
}

async function ensureStream(nats: Nats, jsm: JetStreamManager, channel: Channel, config: StreamValues): Promise<Danger[]> {
  const found = await jsm.streams.info(streamName(channel)).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  const wanted = wantedStream(channel, config, found);
  if (found) {
    const bytesMax = config.NATS_STREAM_BYTES_MAX;
    if (wanted.max_bytes !== bytesMax) {
      const { bytes } = found.state;
      nats.log.warn({ stream: wanted.name, bytes, bytesMax }, "stream holds more than NATS_STREAM_BYTES_MAX; a later start will bound it");
    }
    const { lasting, mendable } = streamDangers(found, wanted);
    if (lasting.length > 0 || mendable.length === 0) return lasting;
  }
  try {
    const info = await (found ? jsm.streams.update(wanted.name, mendedStream(wanted)) : jsm.streams.add(wanted));
    const { lasting, mendable } = streamDangers(info, wanted);
    return [...lasting, ...mendable];
  } catch (error) {
    if (isOverlap(error)) return overlapping(jsm, wanted);
    if (error instanceof JetStreamApiError) return [rejection(error, `stream ${wanted.name}`, config)];
    throw error;
  }
}

async function overlapping(jsm: JetStreamManager, { name, subjects }: WantedStream): Promise<Danger[]> {
  const dangers: Danger[] = [];
  for await (const { config } of jsm.streams.list()) {
    if (config.name === name || !config.subjects?.some((other) => subjects.some((own) => subjectsOverlap(other, own)))) continue;
    const fix = `take ${subjects.join(", ")} out of it (nats stream edit ${config.name}), or give Carillon a NATS account of its own`;
    const why = `it keeps what belongs to ${name}`;
    dangers.push({ setting: `stream ${config.name}, subjects`, value: shown(config.subjects), why, fix });
  }
  return dangers;
}

async function ensureConsumers(nats: Nats, jsm: JetStreamManager, channel: Channel, config: StreamValues): Promise<Danger[]> {
  const stream = streamName(channel);
  const existing = await Array.fromAsync(jsm.consumers.list(stream));
  const foreign = foreignConsumers(existing, channel);
  if (foreign.length > 0) return foreign;
  const dangers: Danger[] = [];
  for (const notificationClass of CLASSES) {
    const wanted = wantedConsumer(channel, notificationClass, config);
    const found = existing.find((info) => info.name === wanted.durable_name);
    // An operator's decision that loses nothing: logged, not undone.
    if (found?.paused)
      nats.log.warn({ stream, consumer: found.name, until: found.config.pause_until }, "consumer is paused: its tasks wait in the queue");
    if (found && consumerDangers(found.config, wanted, stream).length === 0) continue;
    dangers.push(...(await (found ? mendConsumer(jsm, stream, found, wanted, config) : addConsumer(jsm, stream, wanted, config))));
  }
  return dangers;
}

async function addConsumer(jsm: JetStreamManager, stream: string, wanted: WantedConsumer, config: StreamValues): Promise<Danger[]> {
  try {
    return consumerDangers((await jsm.consumers.add(stream, wanted)).config, wanted, stream);
  } catch (error) {
    if (error instanceof JetStreamApiError) return [rejection(error, `consumer ${wanted.durable_name} of ${stream}`, config)];
    throw error;
  }
}

async function mendConsumer(
  jsm: JetStreamManager,
  stream: string,
  found: ConsumerInfo,
  wanted: WantedConsumer,
  config: StreamValues,
): Promise<Danger[]> {
  try {
    const { config: applied } = await jsm.consumers.update(stream, found.name, mendedConsumer(wanted));
    return consumerDangers(applied, wanted, stream);
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    const known = knownRejection(error, `consumer ${found.name} of ${stream}`, config);
    return known ? [known] : consumerDangers(found.config, wanted, stream);
  }
}
