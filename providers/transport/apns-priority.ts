import type { Priority as ApnsPriority } from "apns2";
import { isSilent, type PushContent } from "../../core/content/push-content.ts";
import type { Priority } from "../../core/delivery/channel.ts";

/** As apns2 types them, which is all that is used of it here: its client takes more CPU time and keeps fewer pushes under way. */
const PRIORITY: Record<Priority, `${ApnsPriority}`> = { high: "10", normal: "5", low: "1" };

/** A background push of any other priority than 5 is an error (Apple: Pushing background updates to your app). */
export const apnsPriority = (content: PushContent, priority: Priority): `${ApnsPriority}` =>
  PRIORITY[isSilent(content) ? "normal" : priority];
