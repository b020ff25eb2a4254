import { anything, type Check, flag, list, matches, object, oneOf, type Rule, rule, text, whole } from "./fields.ts";
import { type Fields, listOf, textOf } from "./read.ts";

/** As a service worker passes it: the browser resolves what is relative. */
const relativeUrl = text(matches(/^\S+$/, "a URL"));
/** In a declarative message, which WebKit parses without a base: one that is relative costs the whole message. */
export const absoluteUrl = text(rule("an absolute URL", (url) => /^\S+$/.test(url) && URL.canParse(url)));
const vibration = list(whole(rule("from 0 to 4294967295", (ms) => ms >= 0 && ms <= 0xffff_ffff)));

/** WHATWG: "Notifications API", NotificationOptions. */
export const notificationMembers = (url = relativeUrl): Readonly<Record<string, Check>> => ({
  title: text(),
  body: text(),
  dir: text(oneOf("auto", "ltr", "rtl")),
  lang: text(matches(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$|^$/, "a language tag")),
  tag: text(),
  image: url,
  icon: url,
  badge: url,
  navigate: url,
  vibrate: (value, path, report) => (Array.isArray(value) ? vibration : whole())(value, path, report),
  timestamp: whole(rule("milliseconds since the epoch", (ms) => ms >= 0)),
  renotify: flag,
  silent: (value, path, report) => (value === null ? undefined : flag(value, path, report)),
  requireInteraction: flag,
  data: anything,
});

export const actions = (required: readonly string[], url = relativeUrl) =>
  list(object({ action: text(), title: text(), icon: url, navigate: url }, { required }));

/** What makes `showNotification` throw. */
export const NOTIFICATION_RULES: readonly Rule<Fields>[] = [
  rule("renotify needs a tag", ({ renotify, tag }) => renotify !== true || textOf(tag) !== ""),
  rule("what is silent does not vibrate", ({ silent, vibrate }) => silent !== true || listOf(vibrate).length === 0),
];
