import type { ApnsKind } from "../delivery/endpoint.ts";
import type { JsonObject } from "./json.ts";
import type { LiveActivity } from "./live-activity.ts";

/** In the contract's order: the number there is the place here, from 1. */
export const INTERRUPTION_LEVELS = ["passive", "active", "time-sensitive", "critical"] as const;
export type InterruptionLevel = (typeof INTERRUPTION_LEVELS)[number];

/** A button. */
export interface PushAction {
  id: string;
  title: string;
  /** https. */
  iconUrl?: string | undefined;
  clickUrl?: string | undefined;
}

/** A text that the application has under this key, and what its placeholders stand for. */
export interface LocalizedText {
  key: string;
  args: string[];
}

/** Merge patches (RFC 7396) of what each provider is sent. */
export interface PushOverrides {
  apns?: JsonObject | undefined;
  /** By their names in lower case, all beginning with "apns-". */
  apnsHeaders?: Record<string, string> | undefined;
  fcm?: JsonObject | undefined;
  webpush?: JsonObject | undefined;
}

/** A field that the caller did not give is absent, never empty; only title, body and data may be empty. */
export interface PushContent {
  title: string;
  body: string;
  data: Record<string, string>;
  subtitle?: string | undefined;
  /** https. */
  imageUrl?: string | undefined;
  /** Of any scheme but those that run code, or a path of the application's site. */
  clickUrl?: string | undefined;
  /** Absent: it stays as it is; 0 removes it. */
  badge?: number | undefined;
  /** A file of the application, or "none"; absent: the system's default where something is shown. */
  sound?: string | undefined;
  interruptionLevel?: InterruptionLevel | undefined;
  actions?: PushAction[] | undefined;
  thread?: string | undefined;
  actionCategory?: string | undefined;
  background?: boolean | undefined;
  mutable?: boolean | undefined;
  androidChannel?: string | undefined;
  /** An https URL, a path, or the name of a drawable. */
  icon?: string | undefined;
  titleLocalized?: LocalizedText | undefined;
  bodyLocalized?: LocalizedText | undefined;
  subtitleLocalized?: LocalizedText | undefined;
  /** 0 to 1. */
  relevanceScore?: number | undefined;
  overrides?: PushOverrides | undefined;
  /** Has no key of `data`. */
  dataJson?: JsonObject | undefined;
  dir?: string | undefined;
  /** BCP 47. */
  lang?: string | undefined;
  voip?: boolean | undefined;
  liveActivity?: LiveActivity | undefined;
}

/** What came after title, body and data; the hash and the needs of a task go by this list. */
export const RICH_PUSH_FIELDS = [
  "subtitle",
  "imageUrl",
  "clickUrl",
  "badge",
  "sound",
  "interruptionLevel",
  "actions",
  "thread",
  "actionCategory",
  "background",
  "mutable",
  "androidChannel",
  "icon",
  "titleLocalized",
  "bodyLocalized",
  "subtitleLocalized",
  "relevanceScore",
  "overrides",
  "dataJson",
  "dir",
  "lang",
  "voip",
  "liveActivity",
] as const satisfies (keyof PushContent)[];

export const PUSH_FIELDS = ["title", "body", "data", ...RICH_PUSH_FIELDS] as const;

const pathOf = (name: string) => `content.push.${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
const PATHS: ReadonlyMap<string, string> = new Map(PUSH_FIELDS.map((name) => [name, pathOf(name)]));
/** Where a field is in a notification, as the contract spells it. Checks name the fields of each push that they look at, most of which have no fault. */
export const pushField = (name: string): string => PATHS.get(name) ?? pathOf(name);

/** Fields that mean nothing while no text is shown. */
export const SHOWN_ONLY_FIELDS = [
  "subtitle",
  "imageUrl",
  "clickUrl",
  "interruptionLevel",
  "actions",
  "thread",
  "actionCategory",
  "mutable",
  "androidChannel",
  "icon",
  "subtitleLocalized",
  "relevanceScore",
  "dir",
  "lang",
] as const satisfies (typeof RICH_PUSH_FIELDS)[number][];

/** What a push does: shows a text, changes the badge and shows nothing, only reaches the application, rings, or changes a Live Activity. */
export type PushKind = "shown" | "badge" | "background" | "voip" | "live-activity";

export function pushKind(content: PushContent): PushKind {
  if (content.background) return "background";
  if (content.voip) return "voip";
  if (content.liveActivity) return "live-activity";
  if (hasText(content)) return "shown";
  return content.badge === undefined ? "background" : "badge";
}

/** Something to read, in words of its own or the application's. */
export const hasText = ({ title, body, titleLocalized, bodyLocalized }: PushContent): boolean =>
  title !== "" || body !== "" || titleLocalized !== undefined || bodyLocalized !== undefined;

/** Whether only the application gets the push: nothing is shown or counted. */
export const isSilent = (content: PushContent) => pushKind(content) === "background";

/** The kind of APNs token that a push is for; undefined: ordinary tokens, of every push channel. */
export function apnsKindOf({ voip, liveActivity }: PushContent): ApnsKind | undefined {
  if (voip) return "voip";
  return liveActivity && (liveActivity.event === "start" ? "live-activity-start" : "live-activity");
}

/** A Live Activity's content has a time, which its retries keep: the device ignores what is older than what it shows. @param at for one without */
export function withTimestamp(content: PushContent, at: number): PushContent {
  const { liveActivity } = content;
  if (liveActivity === undefined || liveActivity.timestamp !== undefined) return content;
  return { ...content, liveActivity: { ...liveActivity, timestamp: at } };
}
