import { anything, between, type Check, list, map, number, object, oneOf, rule, text, textOr, whole } from "./fields.ts";
import type { Fields } from "./read.ts";

/**
 * The `aps` dictionary by push type. Apple: "Generating a remote notification", "Pushing background updates to your App", "Starting and
 * updating Live Activities with ActivityKit push notifications". Names that are not Apple's are ignored, as by the device.
 */
const words = list(text());
const switchedOn = whole(oneOf(0, 1));
const seconds = whole(between(0, 99_999_999_999)); // Milliseconds since the epoch are longer.

const sound = textOr(object({ critical: switchedOn, name: text(), volume: number(between(0, 1)) }, { required: ["name"] }));

const alert = textOr(
  object({
    title: text(),
    subtitle: text(),
    body: text(),
    "launch-image": text(),
    "title-loc-key": text(),
    "title-loc-args": words,
    "subtitle-loc-key": text(),
    "subtitle-loc-args": words,
    "loc-key": text(),
    "loc-args": words,
  }),
);

const shown = {
  alert,
  badge: whole(between(0, Number.POSITIVE_INFINITY)),
  sound,
  "thread-id": text(),
  category: text(),
  "content-available": switchedOn,
  "mutable-content": switchedOn,
  "target-content-id": text(),
  "interruption-level": text(oneOf("passive", "active", "time-sensitive", "critical")),
  "relevance-score": number(between(0, 1)),
  "filter-criteria": text(),
  "url-args": words,
};

/** In a Live Activity's alert, title and body may name a localised text instead. */
const localised = textOr(object({ "loc-key": text(), "loc-args": words }, { required: ["loc-key"] }));

const liveActivity = {
  timestamp: seconds,
  event: text(oneOf("start", "update", "end")),
  "content-state": map(anything),
  "stale-date": seconds,
  "dismissal-date": seconds, // May be past: the activity leaves the screen at once.
  "attributes-type": text(),
  attributes: map(anything),
  alert: object({ title: localised, body: localised, sound }),
  sound,
  // Orders the activities of one app, on a scale of the app's own.
  "relevance-score": number(between(0, Number.POSITIVE_INFINITY)),
  "input-push-token": whole(oneOf(1)),
  "input-push-channel": text(),
};

const has = (aps: Fields, ...names: string[]) => names.some((name) => aps[name] !== undefined);
const isEvent = (aps: Fields, ...names: unknown[]) => names.includes(aps.event);

const APS: Readonly<Record<string, Check>> = {
  alert: object(
    shown,
    {},
    rule("a push that is shown has an alert, a badge or a sound", (aps) => has(aps, "alert", "badge", "sound")),
    rule("arguments belong to their loc-key", ({ alert: given }) => hasKeys(given)),
  ),
  background: object(
    shown,
    { required: ["content-available"] },
    rule("content-available is 1 in a background push", (aps) => aps["content-available"] !== 0),
    rule("a background push has no alert, badge or sound", (aps) => !has(aps, "alert", "badge", "sound")),
  ),
  liveactivity: object(
    liveActivity,
    { required: ["timestamp", "event"] },
    rule("start and update have a content-state", (aps) => !isEvent(aps, "start", "update") || has(aps, "content-state")),
    rule(
      "start has attributes-type and attributes",
      (aps) => !isEvent(aps, "start") || (has(aps, "attributes-type") && has(aps, "attributes")),
    ),
  ),
};

/** A payload's root, beside which apps put keys of their own. The other push types define no `aps`. */
export const apnsPayload = (pushType: string): Check => {
  const aps = Object.hasOwn(APS, pushType) ? APS[pushType] : undefined;
  return aps === undefined ? map(anything) : object({ aps }, { required: ["aps"] });
};

/** The same at FCM, which adds the message's own title and body to it before APNs sees it. */
export const mergedApnsPayload: Check = object({ aps: object(shown) });

function hasKeys(alert: unknown): boolean {
  const given = Object.keys(typeof alert === "object" && alert !== null ? alert : {});
  return given.every((name) => !name.endsWith("loc-args") || given.includes(name.replace(/args$/, "key")));
}
