import type { Channel } from "../core/delivery/channel.ts";

/** What a channel needs now. Where it is unknown nobody may guess: whoever asked keeps the pods there are. */
export type RequiredRate =
  | {
      kind: "known";
      /** Tasks per second that the channel's pods together have to do. */
      perSecond: number;
      /** There is work, or it is arriving: at least one pod is needed. */
      active: boolean;
      /** When it was worked out: milliseconds since the epoch. */
      at: number;
    }
  | {
      kind: "unknown";
      /** A sentence for the operator; holds no secret. */
      why: string;
    };

/** Answered from memory: never waits for NATS. */
export interface RequiredRates {
  readonly channels: readonly Channel[];
  current(channel: Channel): RequiredRate;
}
