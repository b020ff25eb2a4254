import type { PushContent } from "../../core/content/push-content.ts";
import type { Priority } from "../../core/delivery/channel.ts";

/** RFC 8030 section 5.3, whose words for three of its four values are our priorities. */
export type Urgency = Priority | "very-low";

/** What is of low priority and lights up no screen may wait for power and Wi-Fi. */
export const webUrgency = ({ interruptionLevel }: PushContent, priority: Priority): Urgency =>
  priority === "low" && interruptionLevel === "passive" ? "very-low" : priority;
