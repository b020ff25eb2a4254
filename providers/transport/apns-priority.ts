import type { Priority as ApnsPriority } from "apns2";
import { type PushContent, pushKind } from "../../core/content/push-content.ts";
import type { Priority } from "../../core/delivery/channel.ts";

/** As apns2 types them, which is all that is used of it here: its client takes more CPU time and keeps fewer pushes under way. */
const PRIORITY: Record<Priority, `${ApnsPriority}`> = { high: "10", normal: "5", low: "1" };

/**
 * A background push of any other priority than 5 is an error (Apple: Pushing background updates to your app). A call rings at once, and a Live
 * Activity's push has 10 or 5 (Apple: Starting and updating Live Activities with ActivityKit push notifications).
 */
export function apnsPriority(content: PushContent, priority: Priority): `${ApnsPriority}` {
  switch (pushKind(content)) {
    case "background":
      return PRIORITY.normal;
    case "voip":
      return PRIORITY.high;
    case "live-activity":
      return PRIORITY[priority === "high" ? "high" : "normal"];
    default:
      return PRIORITY[priority];
  }
}
