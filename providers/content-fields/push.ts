import type { PushChannel } from "../../core/delivery/channel.ts";
import type { FieldSection } from "./page.ts";
import { APNS_KIND_ROWS } from "./push-apns-kinds.ts";
import { at, not, type PushRow, row, SILENT } from "./push-row.ts";

/** In FCM's message, where iPhones read it. */
const APS = "apns.payload.aps";

const IMAGE = "https://img.example/dinner.png";
const URL = "https://shop.example/orders/17";
/** WEBPUSH_APP_ORIGIN where the rows are sent. */
export const ORIGIN = "https://shop.example";
const ICON = "https://img.example/icon.png";
const NO_TEXTS = "browsers know no texts of the application";
const UNSHOWN = not("browsers require a notification: refused, or suppressed where other channels can");
const NO_SUCH = "browsers have no such thing";

/** FCM's message has a block for each platform; most fields are in several. */
export const PUSH_ROWS: readonly PushRow[] = [
  row(
    "title",
    {},
    {
      apns: at("aps.alert.title", "Dinner"),
      fcm: [at("notification.title", "Dinner"), at(`${APS}.alert.title`, "Dinner")],
      webpush: [at("notification.title", "Dinner"), at("title", "Dinner")],
    },
  ),
  row(
    "body",
    {},
    {
      apns: at("aps.alert.body", "is ready"),
      fcm: [at("notification.body", "is ready"), at(`${APS}.alert.body`, "is ready")],
      webpush: [at("notification.body", "is ready"), at("body", "is ready")],
    },
  ),
  row(
    "data",
    { data: { table: "7" } },
    {
      apns: at("data.table", "7"),
      fcm: [at("data.table", "7"), at("apns.payload.data.table", "7")],
      webpush: [at("data.table", "7"), at("notification.data.table", "7")],
    },
  ),
  row(
    "data_json",
    { dataJson: { order: { id: 17, note: null } } },
    {
      apns: at("data.order", { id: 17, note: null }),
      fcm: [at("data.order", '{"id":17,"note":null}'), at("apns.payload.data.order", { id: 17, note: null })],
      webpush: [at("data.order", { id: 17, note: null }), at("notification.data.order", { id: 17, note: null })],
    },
  ),
  row(
    "subtitle",
    { subtitle: "Table 7" },
    {
      apns: at("aps.alert.subtitle", "Table 7"),
      fcm: [at(`${APS}.alert.subtitle`, "Table 7"), at("notification.body", "Table 7\nis ready")],
      webpush: [at("notification.body", "Table 7\nis ready"), at("body", "Table 7\nis ready")],
    },
  ),
  row(
    "image_url",
    { imageUrl: IMAGE },
    {
      apns: [at("image", IMAGE), at("aps.mutable-content", 1)],
      fcm: [at("notification.image", IMAGE), at("apns.payload.image", IMAGE), at(`${APS}.mutable-content`, 1)],
      webpush: at("notification.image", IMAGE),
    },
  ),
  row(
    "click_url",
    { clickUrl: URL },
    {
      apns: at("url", URL),
      fcm: [at("data.url", URL), at("apns.payload.url", URL), at("webpush.fcm_options.link", URL)],
      webpush: [
        at("notification.navigate", URL),
        at("web_push", 8030),
        at("notification.data.onActionClick.default", { operation: "openWindow", url: URL }),
      ],
    },
  ),
  row(
    "click_url (a path)",
    { clickUrl: "/inbox" },
    {
      apns: at("url", "/inbox"),
      fcm: [at("data.url", "/inbox"), at("apns.payload.url", "/inbox"), at("webpush.fcm_options", undefined)],
      webpush: [at("notification.navigate", `${ORIGIN}/inbox`), at("web_push", 8030)],
    },
  ),
  row(
    "badge",
    { badge: 3 },
    {
      apns: at("aps.badge", 3),
      fcm: [at(`${APS}.badge`, 3), at("android.notification.notification_count", 3)],
      webpush: [at("app_badge", 3), at("notification.app_badge", 3)],
    },
  ),
  row(
    "badge (0)",
    { badge: 0 },
    {
      apns: at("aps.badge", 0),
      fcm: [at(`${APS}.badge`, 0), at("android.notification.notification_count", undefined)],
      webpush: [at("app_badge", 0), at("notification.app_badge", 0)],
    },
  ),
  row(
    "badge (alone)",
    { ...SILENT, badge: 3 },
    {
      apns: [at("aps", { badge: 3 }), at("headers.apns-push-type", "alert")],
      fcm: [at(APS, { badge: 3 }), at("data.badge", "3"), at("notification", undefined), at("android.notification", undefined)],
      webpush: UNSHOWN,
    },
  ),
  row(
    "sound (absent)",
    {},
    {
      apns: at("aps.sound", "default"),
      fcm: [at(`${APS}.sound`, "default"), at("android.notification.default_sound", true)],
      webpush: at("notification.silent", undefined),
    },
  ),
  row(
    "sound",
    { sound: "bell.caf" },
    {
      apns: at("aps.sound", "bell.caf"),
      fcm: [at(`${APS}.sound`, "bell.caf"), at("android.notification.sound", "bell.caf")],
      webpush: not("browsers play their own sound"),
    },
  ),
  row(
    'sound ("none")',
    { sound: "none" },
    {
      apns: at("aps.sound", undefined),
      fcm: [at(`${APS}.sound`, undefined), at("android.notification.default_sound", undefined), at("webpush.notification.silent", true)],
      webpush: at("notification.silent", true),
    },
  ),
  row(
    "interruption_level",
    { interruptionLevel: "time-sensitive" },
    {
      apns: at("aps.interruption-level", "time-sensitive"),
      fcm: [
        at(`${APS}.interruption-level`, "time-sensitive"),
        at("android.notification.notification_priority", "PRIORITY_HIGH"),
        at("android.priority", "high"),
      ],
      webpush: not(NO_SUCH),
    },
  ),
  row(
    "interruption_level (critical)",
    { interruptionLevel: "critical", sound: "siren.caf" },
    {
      apns: [at("aps.sound", { critical: 1, name: "siren.caf", volume: 1 }), at("aps.interruption-level", "critical")],
      fcm: [
        at(`${APS}.sound`, { critical: 1, name: "siren.caf", volume: 1 }),
        at("android.notification.notification_priority", "PRIORITY_MAX"),
        at("android.notification.sound", "siren.caf"),
      ],
      webpush: not(NO_SUCH),
    },
  ),
  row(
    "actions",
    { actions: [{ id: "track", title: "Track", iconUrl: ICON, clickUrl: URL }] },
    {
      apns: at("actions", [{ id: "track", title: "Track", icon: ICON, url: URL }]),
      fcm: [
        at("data.actions", JSON.stringify([{ id: "track", title: "Track", icon: ICON, url: URL }])),
        at("apns.payload.actions", [{ id: "track", title: "Track", icon: ICON, url: URL }]),
        at("webpush.notification.actions", [{ action: "track", title: "Track", icon: ICON }]),
      ],
      webpush: [
        at("notification.actions.0.action", "track"),
        at("notification.actions.0.title", "Track"),
        at("notification.actions.0.icon", ICON),
        at("notification.data.onActionClick.track", { operation: "openWindow", url: URL }),
      ],
    },
  ),
  row(
    "thread",
    { thread: "orders" },
    {
      apns: at("aps.thread-id", "orders"),
      fcm: [at(`${APS}.thread-id`, "orders"), at("data.thread", "orders")],
      webpush: not(NO_SUCH),
    },
  ),
  row(
    "action_category",
    { actionCategory: "ORDER" },
    {
      apns: at("aps.category", "ORDER"),
      fcm: [at(`${APS}.category`, "ORDER"), at("android.notification.click_action", "ORDER")],
      webpush: not("browsers take actions"),
    },
  ),
  row(
    "background",
    { ...SILENT, background: true, data: { table: "7" } },
    {
      apns: [at("aps", { "content-available": 1 }), at("headers.apns-push-type", "background"), at("headers.apns-priority", "5")],
      fcm: [
        at(APS, { "content-available": 1 }),
        at("apns.headers.apns-push-type", "background"),
        at("notification", undefined),
        at("android.notification", undefined),
      ],
      webpush: UNSHOWN,
    },
  ),
  row(
    "data (alone)",
    { ...SILENT, data: { table: "7" } },
    {
      apns: [at("aps", { "content-available": 1 }), at("headers.apns-push-type", "background"), at("data.table", "7")],
      fcm: [at(APS, { "content-available": 1 }), at("data.table", "7"), at("notification", undefined)],
      webpush: UNSHOWN,
    },
  ),
  row(
    "mutable",
    { mutable: true },
    {
      apns: at("aps.mutable-content", 1),
      fcm: at(`${APS}.mutable-content`, 1),
      webpush: [at("mutable", true), at("notification.mutable", true)],
    },
  ),
  row(
    "android_channel",
    { androidChannel: "orders" },
    {
      apns: not("Apple's systems have no channels"),
      fcm: at("android.notification.channel_id", "orders"),
      webpush: not("browsers have no channels"),
    },
  ),
  row(
    "icon",
    { icon: ICON },
    {
      apns: not("Apple's systems show the application's"),
      fcm: at("webpush.notification.icon", ICON),
      webpush: at("notification.icon", ICON),
    },
  ),
  row(
    "icon (a path)",
    { icon: "/icons/logo@2x.png" },
    {
      apns: not("Apple's systems show the application's"),
      fcm: at("webpush.notification.icon", "/icons/logo@2x.png"),
      webpush: at("notification.icon", `${ORIGIN}/icons/logo@2x.png`),
    },
  ),
  row(
    "icon (a drawable)",
    { icon: "ic_order" },
    {
      apns: not("Apple's systems show the application's"),
      fcm: at("android.notification.icon", "ic_order"),
      webpush: not("it is no picture of the web"),
    },
  ),
  row(
    "title_localized",
    { title: "", titleLocalized: { key: "TITLE", args: ["7"] } },
    {
      apns: [at("aps.alert.title-loc-key", "TITLE"), at("aps.alert.title-loc-args", ["7"])],
      fcm: [
        at(`${APS}.alert.title-loc-key`, "TITLE"),
        at("android.notification.title_loc_key", "TITLE"),
        at("android.notification.title_loc_args", ["7"]),
      ],
      webpush: not(NO_TEXTS),
    },
  ),
  row(
    "body_localized",
    { body: "", bodyLocalized: { key: "BODY", args: ["7"] } },
    {
      apns: [at("aps.alert.loc-key", "BODY"), at("aps.alert.loc-args", ["7"])],
      fcm: [
        at(`${APS}.alert.loc-key`, "BODY"),
        at("android.notification.body_loc_key", "BODY"),
        at("android.notification.body_loc_args", ["7"]),
      ],
      webpush: not(NO_TEXTS),
    },
  ),
  row(
    "subtitle_localized",
    { subtitleLocalized: { key: "TABLE", args: ["7"] } },
    {
      apns: [at("aps.alert.subtitle-loc-key", "TABLE"), at("aps.alert.subtitle-loc-args", ["7"])],
      fcm: at(`${APS}.alert.subtitle-loc-key`, "TABLE"),
      webpush: not(NO_TEXTS),
    },
  ),
  row(
    "relevance_score",
    { relevanceScore: 0.5 },
    {
      apns: at("aps.relevance-score", 0.5),
      fcm: at(`${APS}.relevance-score`, 0.5),
      webpush: not(NO_SUCH),
    },
  ),
  row(
    "dir",
    { dir: "rtl" },
    {
      apns: not("the text itself decides"),
      fcm: at("webpush.notification.dir", "rtl"),
      webpush: at("notification.dir", "rtl"),
    },
  ),
  row(
    "lang",
    { lang: "ar" },
    {
      apns: not("the device's language decides"),
      fcm: at("webpush.notification.lang", "ar"),
      webpush: at("notification.lang", "ar"),
    },
  ),
  ...APNS_KIND_ROWS,
  row(
    "overrides",
    {
      overrides: {
        apns: { aps: { "target-content-id": "window" } },
        apnsHeaders: { "apns-priority": "1" },
        fcm: { android: { notification: { visibility: "PRIVATE" } } },
        webpush: { notification: { requireInteraction: true } },
      },
    },
    {
      apns: [at("aps.target-content-id", "window"), at("headers.apns-priority", "1")],
      fcm: at("android.notification.visibility", "PRIVATE"),
      webpush: at("notification.requireInteraction", true),
    },
  ),
];

export const PUSH_SECTION: FieldSection<PushChannel> = {
  title: "Push",
  intro: `A shown push makes the default sound; a badge alone and a push without text make none. FCM's message has a block for each platform, because nobody knows whether a
token is of an Android device, an iPhone or a browser: \`data\` are a flat map of strings there, so values of \`data_json\` that are not text are JSON text, and
\`url\`, \`thread\` and \`actions\` stand beside the caller's keys. On Apple's systems a picture is shown only by the application's notification service extension, which reads
\`image\`. Browsers open https URLs only. A web push is a declarative one, which Safari shows without a service worker, where \`click_url\` or
\`WEBPUSH_APP_ORIGIN\` says what a tap opens; a body alone becomes its title. There, paths in \`click_url\` and \`icon\` are resolved against \`WEBPUSH_APP_ORIGIN\`, an icon
else against \`click_url\`; without either a service worker shows the push and resolves them. A \`data_json.onActionClick\` of the caller's wins over ours, key by key.
With \`APNS_DATA_AT_ROOT=true\` an APNs account puts the keys of data beside \`aps\`.

Sizes are checked at acceptance, with overrides merged: APNs 4,096 bytes of JSON, FCM 4,096 of keys and values, Web Push 3,993 of JSON. What nobody asked for is left
out where it has no room: in FCM's message the copies of \`data\`, \`image\`, \`url\` and \`actions\` that iPhones get, the default sound, FCM's tag, and in a web push one of the two copies of the texts (a push of title, body and data alone keeps those outside of
\`notification\`, any other those within).

Overrides (\`overrides.apns\`, \`apns_headers\`, \`fcm\`, \`webpush\`) are merged into the request (RFC 7396): null removes a field. FCM's names are read as \`clickAction\` and as
\`click_action\`, and those of the Admin SDKs (\`imageUrl\`, \`eventTimestamp\`, \`vibrateTimingsMillis\`) as the REST API's. Refused are recipient, ids, marks, expiry, credentials and collapse keys; of APNs' headers an override may name \`apns-topic\` (the account's, or that with a
suffix such as \`.complication\`), \`apns-push-type\` and \`apns-priority\`. An app may override only what \`carillon app limits set APP --overrides apns,fcm,webpush\` allows it.

\`ttl_seconds\` and \`expires_at\` become \`apns-expiration\`, \`android.ttl\` and \`TTL\` (a \`ttl_seconds\` of 0: \`0\`, \`0s\` and \`0\`, now or never), \`priority\` becomes
\`apns-priority\`, \`android.priority\` and \`Urgency\` (by default \`high\`; \`normal\` for marketing, for data alone and in the background; of low priority and passive:
\`very-low\`), and \`collapse_key\` becomes \`apns-collapse-id\`, FCM's \`collapse_key\` and tags, and \`Topic\`.

A push with \`voip\` goes to a user's endpoints of \`apns_voip_token\` alone, topic \`<bundle id>.voip\`, one with \`live_activity\` to those of \`apns_live_activity_token\`
(update, end) or \`apns_live_activity_start_token\` (start), topic \`<bundle id>.push-type.liveactivity\`; ordinary tokens get neither, and these tokens nothing else. A VoIP push may
have 5,120 bytes, expires after a minute unless \`expires_at\` is given, and is sent once at most: an attempt in doubt is repeated for no class, nor is one that starts a
Live Activity. \`timestamp\` is the moment of acceptance, or \`send_at\`, where the content has none, and retries keep it. An endpoint of \`fcm_installation_id\` is FCM's \`fid\`
where its \`token\` would be, and gets what a token gets.

Left for later: APNs broadcast channels, FCM's \`live_activity_token\` (register Apple's own token instead), and Huawei.`,
  providers: [
    ["apns", "APNs"],
    ["fcm", "FCM"],
    ["webpush", "Web Push"],
  ],
  rows: PUSH_ROWS,
};
