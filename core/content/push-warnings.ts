import { type PushContent, pushKind } from "./push-content.ts";
import { drawableOf, webIconOf, webUrl } from "./push-fields.ts";
import { type ProviderName, rulesFor, type WarningRule } from "./warning-rule.ts";

/** Buttons that browsers show (W3C Notifications API: Notification.maxActions, which is 2 in Chromium; others show fewer). */
const WEB_ACTIONS_SHOWN = 2;

const APPLE: readonly ProviderName[] = ["apns", "fcm"];
const WEB: readonly ProviderName[] = ["webpush"];

const rule = rulesFor("push");

/** A field that a provider has nothing for. */
const unsent = (provider: ProviderName, field: string, key: keyof PushContent, why: string): WarningRule =>
  rule("not-sent", field, [provider], (push) => push[key] !== undefined && `is not sent: ${why}`);

const NO_SUCH = "browsers have no such thing";
const NO_TEXTS = "browsers know no texts of the application";

const isUnshown = (push: PushContent) => !push.background && (pushKind(push) === "badge" || pushKind(push) === "background");
const isGivenIn = ({ badge, data, dataJson }: PushContent, field: "badge" | "data" | "data_json") =>
  field === "badge" ? badge !== undefined : field === "data" ? Object.keys(data).length > 0 : dataJson !== undefined;

export const pushWarnings: readonly WarningRule[] = [
  // Apple's systems, also behind FCM.
  rule(
    "ios-extension",
    "image_url",
    APPLE,
    ({ imageUrl }) => imageUrl !== undefined && "Apple's systems show a picture only by the application's notification service extension",
  ),
  rule(
    "ios-entitlement",
    "interruption_level",
    APPLE,
    ({ interruptionLevel: level }) =>
      (level === "time-sensitive" &&
        "time-sensitive needs an entitlement of the application on Apple's systems; without it the push is active") ||
      (level === "critical" &&
        "a critical alert needs an entitlement that Apple grants to few applications; without it the push is a usual one"),
  ),
  rule(
    "ios-actions",
    "actions",
    APPLE,
    ({ actions, actionCategory }) =>
      actions !== undefined && actionCategory === undefined && "Apple's systems show no buttons of a push: give action_category too",
  ),
  rule("ios-background", "background", APPLE, (push) =>
    pushKind(push) === "background"
      ? "Apple's systems wake an application when they see fit, a few times an hour, and not after it was closed by hand"
      : undefined,
  ),
  // Android.
  rule(
    "android-channel",
    "android_channel",
    ["fcm"],
    ({ androidChannel }) =>
      androidChannel !== undefined &&
      "Android shows it only in a channel that the application has created; FCM's default channel takes its place otherwise",
  ),
  rule(
    "android-sound",
    "sound",
    ["fcm"],
    ({ sound }) => sound !== undefined && "from Android 8 on the channel decides what is heard, whatever the push says",
  ),
  rule("android-badge", "badge", ["fcm"], ({ badge }) => badge === 0 && "Android takes no 0: the number goes when its notifications do"),
  rule(
    "android-subtitle",
    "subtitle",
    ["fcm", "webpush"],
    ({ subtitle }) => subtitle !== undefined && "only Apple's systems have a subtitle: elsewhere it is put before the body",
  ),
  rule(
    "data-as-text",
    "data_json",
    ["fcm"],
    ({ dataJson = {} }) =>
      Object.values(dataJson).some((value) => typeof value !== "string") && "FCM's data are texts: values of other types arrive as JSON",
  ),
  // Browsers.
  rule(
    "web-actions",
    "actions",
    ["webpush", "fcm"],
    ({ actions = [] }) => actions.length > WEB_ACTIONS_SHOWN && `browsers show ${WEB_ACTIONS_SHOWN} of ${actions.length} actions`,
  ),
  rule(
    "web-image",
    "image_url",
    WEB,
    ({ imageUrl }) => imageUrl !== undefined && "of browsers only those built on Chromium show a picture",
  ),
  rule(
    "web-click-url",
    "click_url",
    ["webpush", "fcm"],
    ({ clickUrl }) => clickUrl !== undefined && webUrl(clickUrl) === undefined && "browsers open https URLs only",
  ),
  rule(
    "web-origin",
    "click_url",
    WEB,
    (push) =>
      pushKind(push) === "shown" &&
      webUrl(push.clickUrl) === undefined &&
      "without an https URL Safari shows it without a service worker only where WEBPUSH_APP_ORIGIN is set",
  ),
  rule("not-sent", "sound", WEB, ({ sound }) => sound !== undefined && sound !== "none" && "is not sent: browsers play their own sound"),
  unsent("webpush", "interruption_level", "interruptionLevel", NO_SUCH),
  unsent("webpush", "thread", "thread", NO_SUCH),
  unsent("webpush", "action_category", "actionCategory", "browsers take actions"),
  unsent("webpush", "background", "background", "browsers require a notification"),
  ...(["badge", "data", "data_json"] as const).map((field) =>
    rule(
      "not-sent",
      field,
      WEB,
      (push) => isGivenIn(push, field) && isUnshown(push) && "is not sent alone: browsers require a notification",
    ),
  ),
  unsent("webpush", "android_channel", "androidChannel", "browsers have no channels"),
  unsent("webpush", "title_localized", "titleLocalized", NO_TEXTS),
  unsent("webpush", "body_localized", "bodyLocalized", NO_TEXTS),
  unsent("webpush", "subtitle_localized", "subtitleLocalized", NO_TEXTS),
  unsent("webpush", "relevance_score", "relevanceScore", NO_SUCH),
  rule("not-sent", "icon", WEB, (push) => drawableOf(push) !== undefined && "is not sent: the name of a drawable is no picture of the web"),
  rule(
    "web-icon",
    "icon",
    ["fcm"],
    (push) => webIconOf(push) !== undefined && "is for browsers alone: Android wants the name of a drawable",
  ),
  unsent("apns", "android_channel", "androidChannel", "Apple's systems have no channels"),
  unsent("apns", "icon", "icon", "Apple's systems show the application's"),
  unsent("apns", "dir", "dir", "the text itself decides"),
  unsent("apns", "lang", "lang", "the device's language decides"),
];
