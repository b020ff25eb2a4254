import { isObject, type JsonObject, type JsonValue } from "./json.ts";

/** Marks a payload as a declarative one (W3C Push API: declarative push message). */
export const DECLARATIVE = 8030;

/** Members of a notification, and of each of its actions, that are URLs. */
const URL_MEMBERS: ReadonlySet<string> = new Set(["navigate", "icon", "image", "badge"]);

/**
 * A payload whose relative URLs are resolved where it is a declarative one, without the mark where one cannot be: Safari parses them without a base,
 * and drops the whole message on the first that is not absolute. A service worker reads a payload without the mark, and resolves URLs itself.
 * @param base an absolute URL; undefined: none is known
 */
export function withWholeUrls(payload: JsonObject, base: string | undefined): JsonObject {
  const { web_push, ...others } = payload;
  if (web_push === undefined) return payload;
  const { notification } = payload;
  if (!isObject(notification)) return others;
  const { title, navigate, actions } = notification;
  // An override may have taken them away, and nothing is shown without either.
  if (typeof title !== "string" || typeof navigate !== "string") return others;
  const resolved = resolvedMembers(notification, base);
  const resolvedActions = Array.isArray(actions)
    ? actions.map((action) => (isObject(action) ? resolvedMembers(action, base) : action))
    : [];
  if (resolved === undefined || resolvedActions.includes(undefined)) return others;
  return { ...payload, notification: Array.isArray(actions) ? { ...resolved, actions: resolvedActions as JsonValue[] } : resolved };
}

/** Undefined where a URL stays relative. */
function resolvedMembers(fields: JsonObject, base: string | undefined): JsonObject | undefined {
  const entries = Object.entries(fields).map(([key, value]) => [key, URL_MEMBERS.has(key) ? absolute(value, base) : value] as const);
  return entries.some(([, value]) => value === undefined) ? undefined : (Object.fromEntries(entries) as JsonObject);
}

function absolute(url: JsonValue, base: string | undefined): JsonValue | undefined {
  if (typeof url !== "string" || URL.canParse(url)) return url;
  return URL.canParse(url, base) ? new URL(url, base).href : undefined;
}
