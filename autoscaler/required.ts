import type { Channel } from "../core/delivery/channel.ts";

/** The required rate of a channel now. While it is unknown, callers keep the number of pods. */
export type RequiredRate =
  | {
      kind: "known";
      /** Tasks per second that the channel's pods together have to handle. */
      perSecond: number;
      /** The channel has tasks or had some recently: it needs at least one pod. */
      active: boolean;
      /** When it was computed, in ms since the epoch. */
      at: number;
    }
  | {
      kind: "unknown";
      /** For the operator; holds no secret. */
      why: string;
    };

/** Answered from memory: never waits for NATS. */
export interface RequiredRates {
  readonly channels: readonly Channel[];
  current(channel: Channel): RequiredRate;
}
