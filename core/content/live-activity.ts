import { withoutEmpty } from "./codec.ts";
import { copyJson, type JsonObject } from "./json.ts";

/** In the contract's order: the number there is the place here, from 1. */
const LIVE_ACTIVITY_EVENTS = ["start", "update", "end"] as const;

/** What a push says to a Live Activity. Times are ms since the epoch. */
export interface LiveActivity {
  event: (typeof LIVE_ACTIVITY_EVENTS)[number];
  /** Absent only with end; an empty one is sent as it is. */
  contentState?: JsonObject | undefined;
  /** With start only, as the attributes. */
  attributesType?: string | undefined;
  attributes?: JsonObject | undefined;
  staleDate?: number | undefined;
  dismissalDate?: number | undefined;
  /** Of the content; the gateway sets it where the caller does not. */
  timestamp?: number | undefined;
  /** From 0, on the application's own scale. */
  relevanceScore?: number | undefined;
}

/** carillon.v1.LiveActivity. */
export interface LiveActivityWire {
  event: -1 | 0 | 1 | 2 | 3;
  contentState: JsonObject | undefined;
  attributesType: string;
  attributes: JsonObject | undefined;
  staleDate: Date | undefined;
  dismissalDate: Date | undefined;
  timestamp: Date | undefined;
  relevanceScore?: number | undefined;
}

export const liveActivityFromProto = (wire: LiveActivityWire): LiveActivity => ({
  event: LIVE_ACTIVITY_EVENTS[wire.event - 1] ?? "update",
  ...withoutEmpty({
    ...{ attributesType: wire.attributesType, relevanceScore: wire.relevanceScore },
    ...{ staleDate: wire.staleDate?.getTime(), dismissalDate: wire.dismissalDate?.getTime(), timestamp: wire.timestamp?.getTime() },
  }),
  ...(wire.contentState && { contentState: copyJson(wire.contentState) }),
  ...(wire.attributes && { attributes: copyJson(wire.attributes) }),
});

export const liveActivityToProto = ({ event, staleDate, dismissalDate, timestamp, ...rest }: LiveActivity): LiveActivityWire => ({
  event: (LIVE_ACTIVITY_EVENTS.indexOf(event) + 1) as LiveActivityWire["event"],
  ...{ contentState: rest.contentState, attributesType: rest.attributesType ?? "", attributes: rest.attributes },
  ...{ staleDate: dateOf(staleDate), dismissalDate: dateOf(dismissalDate), timestamp: dateOf(timestamp) },
  relevanceScore: rest.relevanceScore,
});

const dateOf = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms));
