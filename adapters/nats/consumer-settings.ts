import { AckPolicy, type ConsumerConfig, type ConsumerInfo, ReplayPolicy } from "@nats-io/jetstream";
import { type Channel, CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import { consumerName, consumerSubjects, streamName } from "../../core/delivery/subjects.ts";
import type { Danger } from "../unsafe-setting.ts";
import { isUnset, shown, subjectsOverlap } from "./settings.ts";
import { NANOS_PER_MS, type StreamValues } from "./stream-variables.ts";

export type WantedConsumer = ReturnType<typeof wantedConsumer>;

export const wantedConsumer = (channel: Channel, notificationClass: NotificationClass, config: StreamValues) => ({
  durable_name: consumerName(channel, notificationClass),
  filter_subjects: consumerSubjects(channel, notificationClass),
  ack_policy: AckPolicy.Explicit,
  ack_wait: config.NATS_ACK_WAIT_MS * NANOS_PER_MS,
  max_ack_pending: config.NATS_ACK_PENDING_MAX,
  // Carillon counts attempts and ends deliveries; the server never does.
  max_deliver: -1,
  replay_policy: ReplayPolicy.Instant,
});

/** The settings that matter, with the consequence of a wrong value. A setting that is not in WantedConsumer must not be set. */
const REASONS: Partial<Record<keyof ConsumerConfig, string>> = {
  filter_subject: "it would deliver tasks of other classes",
  filter_subjects: "it would deliver tasks of other classes",
  ack_policy: "tasks would be removed from the stream before they are done",
  ack_wait: "tasks would be delivered twice, or stay with a dead worker",
  max_ack_pending: "too few tasks would be handled at once, or too many",
  max_deliver: "the server would give up on a task that has not ended",
  replay_policy: "tasks would be delivered as slowly as they were published",
  deliver_subject: "it pushes; dispatchers pull",
  backoff: "it replaces ack_wait",
  headers_only: "tasks would come without their content",
  inactive_threshold: "it would be deleted while no dispatcher runs",
  num_replicas: "its position would be on fewer servers than the stream",
  max_batch: "pulls of dispatchers would be rejected",
  max_bytes: "pulls of dispatchers would be rejected",
  max_expires: "pulls of dispatchers would be rejected",
  priority_groups: "pulls of dispatchers would be rejected",
  priority_policy: "pulls of dispatchers would be rejected",
};

/** Updates a consumer as if it were created again, except for the settings that a server never changes. */
export const mendedConsumer = (wanted: WantedConsumer): Partial<ConsumerConfig> => ({
  ...Object.fromEntries(Object.keys(REASONS).map((setting) => [setting, undefined])),
  ...wanted,
});

/** The settings that differ from the wanted ones. Pure. */
export function consumerDangers(config: ConsumerConfig, wanted: WantedConsumer, stream: string): Danger[] {
  const name = wanted.durable_name;
  const fix = `delete it (nats consumer rm ${stream} ${name}) and start again: it is created again, and no task is sent twice`;
  return Object.entries(REASONS)
    .map(([setting, why]) => ({ setting, why, value: Reflect.get(config, setting), want: Reflect.get(wanted, setting) }))
    .filter(({ value, want }) => (want === undefined ? !isUnset(value) : JSON.stringify(value) !== JSON.stringify(want)))
    .map(({ setting, why, value }) => ({ setting: `consumer ${name} of ${stream}, ${setting}`, value: shown(value), why, fix }));
}

/** Consumers that are not Carillon's and remove tasks from a channel's stream. Pure. */
export function foreignConsumers(consumers: readonly ConsumerInfo[], channel: Channel): Danger[] {
  const stream = streamName(channel);
  const own = new Set(CLASSES.map((c) => consumerName(channel, c)));
  return consumers
    .filter(({ name, config }) => !own.has(name) && filtersOf(config).some((filter) => takesTasks(filter, channel)))
    .map(({ name, config }) => ({
      setting: `consumer ${name} of ${stream}, filter`,
      value: filtersOf(config).join(", "),
      why: "it is not a consumer of Carillon, and each task it removes is sent late or never",
      fix: `stop what reads it and delete it: nats consumer rm ${stream} ${name}`,
    }));
}

function filtersOf({ filter_subject, filter_subjects }: ConsumerConfig): string[] {
  const filters = filter_subjects ?? (filter_subject ? [filter_subject] : []);
  return filters.length > 0 ? filters : [">"];
}

const takesTasks = (filter: string, channel: Channel) =>
  CLASSES.flatMap((c) => consumerSubjects(channel, c)).some((subject) => subjectsOverlap(filter, subject));
