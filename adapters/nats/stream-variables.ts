import { integer, ms, type Values } from "../../runtime/config.ts";

export const streamVariables = {
  NATS_REPLICAS: integer(1, 5, {
    default: "1",
    unit: "servers",
    reason: "copies of each stream; 3 on a cluster. A stream that has more keeps them",
  }),
  NATS_STREAM_BYTES_MAX: integer(1_000_000, 2 ** 44, {
    default: "4294967296",
    unit: "bytes",
    reason: "bound of each channel's stream; a full one rejects and the outbox keeps the rest",
  }),
  NATS_ACK_WAIT_MS: ms(5_000, 600_000, {
    default: "60000",
    reason: "after this a silent dispatcher's task is redelivered to another; longer than claim, provider deadline and record together",
  }),
  NATS_ACK_PENDING_MAX: integer(1, 1_000_000, {
    default: "10000",
    unit: "tasks",
    reason: "delivered and not yet acknowledged, over all pods of a channel and class: twice the most replicas x DISPATCH_IN_FLIGHT",
  }),
};

export type StreamValues = Values<typeof streamVariables>;

export const NANOS_PER_MS = 1_000_000;
