import type { LiveActivity } from "../../core/content/live-activity.ts";
import { at, not, type PushRow, row, SILENT } from "./push-row.ts";

const APNS_ALONE = "of APNs' own tokens";
const ACTIVITY: LiveActivity = { event: "update", contentState: { eta: 12 }, timestamp: 1_790_000_000_000 };

/** Pushes for tokens of APNs' own kinds. */
export const APNS_KIND_ROWS: readonly PushRow[] = [
  row(
    "voip",
    { ...SILENT, voip: true, data: { call: "17" } },
    {
      apns: [
        at("headers.apns-push-type", "voip"),
        at("headers.apns-priority", "10"),
        at("headers.apns-expiration", "0"),
        at("headers.apns-collapse-id", undefined),
        at("aps", undefined),
        at("data.call", "17"),
      ],
      fcm: not(APNS_ALONE),
      webpush: not(APNS_ALONE),
    },
  ),
  row(
    "live_activity (start)",
    {
      ...{ title: "Boarding", body: "" },
      liveActivity: { ...ACTIVITY, event: "start", attributesType: "Flight", attributes: { number: "CR 12" } },
    },
    {
      apns: [
        at("headers.apns-push-type", "liveactivity"),
        at("aps.event", "start"),
        at("aps.attributes-type", "Flight"),
        at("aps.attributes", { number: "CR 12" }),
        at("aps.content-state", { eta: 12 }),
        at("aps.alert", { title: "Boarding", sound: "default" }),
      ],
      fcm: not(APNS_ALONE),
      webpush: not(APNS_ALONE),
    },
  ),
  row(
    "live_activity (update)",
    { ...SILENT, liveActivity: { ...ACTIVITY, staleDate: 1_790_000_600_000, relevanceScore: 75 } },
    {
      apns: [
        at("headers.apns-push-type", "liveactivity"),
        at("headers.apns-collapse-id", undefined),
        at("aps.event", "update"),
        at("aps.content-state", { eta: 12 }),
        at("aps.timestamp", 1_790_000_000),
        at("aps.stale-date", 1_790_000_600),
        at("aps.relevance-score", 75),
      ],
      fcm: not(APNS_ALONE),
      webpush: not(APNS_ALONE),
    },
  ),
  row(
    "live_activity (end)",
    { ...SILENT, liveActivity: { ...ACTIVITY, event: "end", dismissalDate: 1_600_000_000_000 } },
    {
      apns: [at("aps.event", "end"), at("aps.dismissal-date", 1_600_000_000)],
      fcm: not(APNS_ALONE),
      webpush: not(APNS_ALONE),
    },
  ),
];
