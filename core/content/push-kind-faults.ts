import type { PushChannel } from "../delivery/channel.ts";
import type { ContentFault } from "./codec.ts";
import { jsonFaults } from "./field-checks.ts";
import type { LiveActivity } from "./live-activity.ts";
import { apnsKindOf, hasText, type PushContent, pushField, RICH_PUSH_FIELDS } from "./push-content.ts";

/** What a Live Activity is told besides its own content. */
const OF_LIVE_ACTIVITY: ReadonlySet<string> = new Set(["titleLocalized", "bodyLocalized", "sound", "overrides", "liveActivity"]);

const fault = (name: string, rule: string, message: string): ContentFault => ({ field: pushField(name), rule, message });

/** What VoIP pushes and Live Activities' may not say, which are APNs' alone. @param channels those the notification is for */
export function kindFaults(content: PushContent, channels: readonly PushChannel[]): ContentFault[] {
  if (apnsKindOf(content) === undefined) return [];
  const { liveActivity, overrides = {} } = content;
  const other = channels.find((channel) => channel !== "apns");
  const headers = Object.keys(overrides.apnsHeaders ?? {}).filter((name) => name !== "apns-priority");
  return [
    ...(other === undefined
      ? []
      : [fault(liveActivity ? "liveActivity" : "voip", "push.apns", `is possible on apns alone; the notification is also for ${other}`)]),
    ...(["fcm", "webpush"] as const)
      .filter((provider) => overrides[provider] !== undefined)
      .map((provider) => fault(`overrides.${provider}`, "push.apns", "has no effect: this push is for apns alone")),
    ...headers.map((name) => fault(`overrides.apnsHeaders.${name}`, "override.protected", "is refused: the content says what it is")),
    ...(liveActivity ? liveActivityFaults(content, liveActivity) : []),
  ];
}

function liveActivityFaults(content: PushContent, activity: LiveActivity): ContentFault[] {
  const beside = RICH_PUSH_FIELDS.filter((name) => content[name] !== undefined && !OF_LIVE_ACTIVITY.has(name));
  const notRead = Object.keys(content.data).length > 0 ? ["data", ...beside] : beside;
  const isUnheard = content.sound !== undefined && !hasText(content);
  // Apple's times are seconds since the epoch.
  const early = (["staleDate", "dismissalDate", "timestamp"] as const).filter((name) => (activity[name] ?? 0) < 0);
  return [
    ...notRead.map((name) =>
      fault(
        name,
        "push.live_activity",
        "has no effect with live_activity, which takes title, body, title_localized, body_localized, sound and overrides beside it",
      ),
    ),
    ...(isUnheard ? [fault("sound", "push.unshown", "has no effect without title or body, which make an alert")] : []),
    ...early.map((name) => fault(`liveActivity.${name}`, "time.epoch", "must not be before 1970")),
    ...jsonFaults(pushField("liveActivity.contentState"), activity.contentState),
    ...jsonFaults(pushField("liveActivity.attributes"), activity.attributes),
  ];
}
