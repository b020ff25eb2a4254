import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
  type StreamUpdateConfig,
} from "@nats-io/jetstream";
import type { Channel } from "../../core/delivery/channel.ts";
import { streamName, streamSubjects } from "../../core/delivery/subjects.ts";
import type { Danger } from "../unsafe-setting.ts";
import { isUnset, shown } from "./settings.ts";
import { NANOS_PER_MS, type StreamValues } from "./stream-variables.ts";

/** Only saves work: JetStream forgets it on restart. At 280 B an id, 1,900/s need 64 MB. */
const DUPLICATE_WINDOW_MS = 120_000;

export type WantedStream = ReturnType<typeof wantedStream>;

/**
 * @param existing the current stream. It keeps its number of replicas, whichever role starts last. Its bound is never set below its current
 *   size, because some releases then drop tasks, whatever `discard` says.
 */
export function wantedStream(channel: Channel, config: StreamValues, existing?: Pick<StreamInfo, "config" | "state">) {
  const full = existing !== undefined && existing.state.bytes > config.NATS_STREAM_BYTES_MAX;
  return {
    name: streamName(channel),
    subjects: [streamSubjects(channel)],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_msg_size: -1,
    max_bytes: full ? existing.config.max_bytes : config.NATS_STREAM_BYTES_MAX,
    duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS,
    num_replicas: Math.max(config.NATS_REPLICAS, existing?.config.num_replicas ?? 1),
  };
}

type Setting = keyof StreamConfig;

/** What a server never changes in an existing stream, or what was configured on purpose: an operator decides. */
const LASTING: Partial<Record<Setting, string>> = {
  retention: "tasks would stay after their acknowledgement, or be dropped while no dispatcher runs",
  storage: "a restart of the server would empty it",
  persist_mode: "tasks would be acknowledged before they are written",
  sealed: "it takes no task",
  deny_delete: "a stuck message could never be removed",
  deny_purge: "a stuck message could never be removed",
  mirror: "it accepts no tasks of its own",
  sources: "it would hold messages that are not tasks",
  subject_transform: "tasks would leave the subjects their consumers read",
};

/** What is corrected automatically; the reason is reported where the server does not apply the correction. */
const MENDABLE: Partial<Record<Setting, string>> = {
  subjects: "tasks of the channel would not reach its stream",
  discard: "a full stream would drop tasks that were never delivered",
  max_age: "tasks would be deleted while they wait",
  max_msgs: "its bound is in bytes",
  max_msgs_per_subject: "a class's tasks would be rejected although there is room",
  max_msg_size: "large tasks would be rejected",
  max_bytes: "it would fill the disk, or reject too soon",
  duplicate_window: "publishes retried after a lost answer would be stored twice, or message ids would fill the memory",
  num_replicas: "fewer servers hold a task than were asked to",
  no_ack: "publications would never be confirmed",
  discard_new_per_subject: "a class's tasks would be rejected although there is room",
  consumer_limits: "consumers would be bounded, or deleted when idle",
};

/** An update to the wanted settings, which also resets the settings that must not be set. */
export const mendedStream = (wanted: WantedStream): Partial<StreamUpdateConfig> => ({
  ...wanted,
  no_ack: false,
  discard_new_per_subject: false,
  consumer_limits: undefined,
});

export interface StreamDangers {
  lasting: Danger[];
  mendable: Danger[];
}

/** The settings that differ from the wanted ones. Pure. */
export function streamDangers({ config, cluster }: Pick<StreamInfo, "config" | "cluster">, wanted: WantedStream): StreamDangers {
  const { name } = wanted;
  const differing = (reasons: Partial<Record<Setting, string>>, fix: string): Danger[] =>
    Object.entries(reasons)
      .map(([setting, why]) => ({ setting, why, value: Reflect.get(config, setting), want: Reflect.get(wanted, setting) }))
      .filter(({ value, want }) => (want === undefined ? !isUnset(value) : JSON.stringify(value) !== JSON.stringify(want)))
      .map(({ setting, why, value }) => ({ setting: `stream ${name}, ${setting}`, value: shown(value), why, fix }));
  const lasting = differing(
    LASTING,
    `delete it (nats stream rm ${name}) and start again: it is created again, and the relay publishes its tasks again`,
  );
  const mendable = differing(MENDABLE, "the server ignored the requested setting; is it too old?");
  // Outside a cluster some releases accept any number of replicas, and keep one copy.
  if (wanted.num_replicas > 1 && config.num_replicas === wanted.num_replicas && !cluster?.name)
    lasting.push(notClustered(name, wanted.num_replicas));
  return { lasting, mendable };
}

const notClustered = (name: string, replicas: number): Danger => ({
  setting: `stream ${name}, num_replicas`,
  value: `${replicas} on a server outside any cluster`,
  why: "there is one copy, whatever it says",
  fix: `connect to a cluster of ${replicas} servers; or delete the stream (nats stream rm ${name}) and set NATS_REPLICAS=1`,
});
