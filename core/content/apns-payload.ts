import type { JsonObject, JsonValue } from "./json.ts";
import { APNS_PAYLOAD_BYTES_MAX, APNS_VOIP_PAYLOAD_BYTES_MAX } from "./limits.ts";
import type { LiveActivity } from "./live-activity.ts";
import { protectedPaths, withOverride } from "./overrides.ts";
import { hasText, type LocalizedText, type PushContent, pushKind } from "./push-content.ts";
import { actionsOf, dataOf, firstFitting, given, type PushIds } from "./push-fields.ts";

/** What an override of the payload may not touch. */
export const APNS_PROTECTED = protectedPaths("carillon");

/** The system's default sound, which a shown push makes unless it names another or none (Apple: Generating a remote notification). */
const DEFAULT_SOUND = "default";

interface ApnsForm {
  /** The keys of data stand beside aps, for applications that read them there. */
  isDataAtRoot?: boolean;
}

/**
 * The body of a push to APNs, JSON. `aps` is Apple's part, `carillon` ours. The caller's data have a key of their own unless the account says
 * otherwise, so that their names cannot collide with either; picture, click target and buttons are ours to name, because Apple's systems know none.
 */
export const apnsBody = (content: PushContent, ids: PushIds, form: ApnsForm = {}): string =>
  firstFitting(
    [() => bodyWith(content, ids, { ...form, hasDefaultSound: true }), () => leastApnsBody(content, ids, form)],
    (body) => Buffer.byteLength(body) <= apnsBytesMax(content),
  );

/** The body without the default sound, which the caller did not ask for. */
export const leastApnsBody = (content: PushContent, ids: PushIds, form: ApnsForm = {}): string =>
  bodyWith(content, ids, { ...form, hasDefaultSound: false });

/** Whether data have a key that stands at the root of the payload already. */
export const hasRootKey = (content: PushContent): boolean => Object.keys(dataOf(content)).some((key) => ROOT_KEYS.has(key));
const ROOT_KEYS: ReadonlySet<string> = new Set(["aps", "carillon", "image", "url", "actions"]);

/** Keys of ours beside aps; empty ones are left out by given(). */
export const ownKeysOf = (content: PushContent) => ({
  ...{ image: content.imageUrl, url: content.clickUrl, actions: actionsOf(content), data: dataOf(content) },
});

/** Bytes that such a body may have. */
export const apnsBytesMax = (content: PushContent): number =>
  pushKind(content) === "voip" ? APNS_VOIP_PAYLOAD_BYTES_MAX : APNS_PAYLOAD_BYTES_MAX;

function bodyWith(content: PushContent, ids: PushIds, { isDataAtRoot, hasDefaultSound }: ApnsForm & { hasDefaultSound: boolean }): string {
  const { data, ...own } = ownKeysOf(content);
  const payload = {
    ...(isDataAtRoot ? data : {}),
    ...given({ aps: apsOf(content, hasDefaultSound) }),
    ...given(isDataAtRoot ? own : { ...own, data }),
    carillon: ids,
  };
  return JSON.stringify(withOverride(payload, content.overrides?.apns, APNS_PROTECTED));
}

/** Apple's dictionary, which iPhones behind FCM get too. */
export function apsOf(content: PushContent, hasDefaultSound: boolean): JsonObject {
  const kind = pushKind(content);
  if (kind === "background") return { "content-available": 1 };
  if (content.liveActivity) return liveActivityOf(content, content.liveActivity);
  const { badge, interruptionLevel, imageUrl, mutable } = content;
  const sound = soundOf(content, kind === "shown" && hasDefaultSound);
  if (kind === "badge") return given({ badge, sound });
  return given({
    ...{ alert: hasText(content) ? alertOf(content) : undefined, badge, sound },
    ...{ "thread-id": content.thread, category: content.actionCategory },
    // Only the application's extension can load a picture.
    "mutable-content": mutable || imageUrl !== undefined ? 1 : undefined,
    ...{ "interruption-level": interruptionLevel, "relevance-score": content.relevanceScore },
  });
}

/** Apple: Starting and updating Live Activities with ActivityKit push notifications. Times are in seconds. */
function liveActivityOf(content: PushContent, activity: LiveActivity): JsonObject {
  const { event, contentState, attributesType, attributes, staleDate, dismissalDate, timestamp, relevanceScore } = activity;
  return {
    event,
    // Also where they are empty: their type may have no fields.
    ...(contentState && { "content-state": contentState }),
    ...(attributes && { attributes }),
    ...given({
      ...{ timestamp: seconds(timestamp), "stale-date": seconds(staleDate), "dismissal-date": seconds(dismissalDate) },
      ...{ "attributes-type": attributesType, "relevance-score": relevanceScore },
      alert: hasText(content) ? activityAlertOf(content) : undefined,
    }),
  };
}

const seconds = (ms: number | undefined) => ms && Math.floor(ms / 1000);

/** The alert of a Live Activity: texts, or keys of the application's texts with the values of their placeholders. */
const activityAlertOf = (content: PushContent): JsonObject =>
  given({
    title: content.titleLocalized ? localizedWords(content.titleLocalized) : content.title,
    body: content.bodyLocalized ? localizedWords(content.bodyLocalized) : content.body,
    sound: soundOf(content, true),
  });

const localizedWords = ({ key, args }: LocalizedText): JsonObject => given({ "loc-key": key, "loc-args": args });

const alertOf = (content: PushContent): JsonObject =>
  given({
    ...{ title: content.title, subtitle: content.subtitle, body: content.body },
    ...localized("title-loc", content.titleLocalized),
    ...localized("subtitle-loc", content.subtitleLocalized),
    ...localized("loc", content.bodyLocalized),
  });

const localized = (name: string, text: LocalizedText | undefined): JsonObject =>
  text === undefined ? {} : given({ [`${name}-key`]: text.key, [`${name}-args`]: text.args });

/** A critical alert has one dictionary for its sound, with which it is heard although the device is muted. */
function soundOf({ sound, interruptionLevel }: PushContent, hasDefaultSound: boolean): JsonValue | undefined {
  if (sound === "none") return undefined;
  const name = sound ?? (hasDefaultSound || interruptionLevel === "critical" ? DEFAULT_SOUND : undefined);
  return interruptionLevel === "critical" && name !== undefined ? { critical: 1, name, volume: 1 } : name;
}
