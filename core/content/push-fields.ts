import { withoutEmpty } from "./codec.ts";
import { isPath } from "./field-checks.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { type PushContent, RICH_PUSH_FIELDS } from "./push-content.ts";

// What the payloads of all push providers are made of.

/** Sent with every push, so that the app can recognise a duplicate. */
export interface PushIds {
  delivery: string;
  /** delivery, "/", attempt number. */
  attempt: string;
}

/** The fields without empty ones, which would be shown as empty lines. */
export const given = (fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject => withoutEmpty(fields) as JsonObject;

export const dataOf = ({ data, dataJson }: PushContent): JsonObject => ({ ...data, ...dataJson });

/** Subtitle and body in one text, for systems that show no subtitle. */
export const bodyWithSubtitle = ({ subtitle, body }: PushContent): string => [subtitle, body].filter(Boolean).join("\n");

/** The buttons, where the application makes them itself. */
export const actionsOf = ({ actions = [] }: PushContent): JsonObject[] =>
  actions.map(({ id, title, iconUrl, clickUrl }) => given({ id, title, icon: iconUrl, url: clickUrl }));

/**
 * The buttons as browsers take them.
 * @param navigate what a tap opens, where the payload is a declarative one: a browser shows none of it unless each button opens something, too
 */
export const webActionsOf = ({ actions = [] }: PushContent, navigate?: string): JsonObject[] =>
  actions.map(({ id, title, iconUrl, clickUrl }) =>
    given({ action: id, title, icon: iconUrl, navigate: navigate === undefined ? undefined : (webUrl(clickUrl) ?? navigate) }),
  );

/** What a browser can open: https, or a path of the application's; the scheme of an application means nothing to it. */
export const webUrl = (url: string | undefined): string | undefined =>
  url !== undefined && (isPath(url) || isHttpsUrl(url)) ? url : undefined;
export const isHttpsUrl = (url: string) => /^https:/i.test(url);

/** The name of a picture in an Android application, which is no path. */
const isDrawable = (icon: string) => /^\w+$/.test(icon);
export const drawableOf = ({ icon }: PushContent) => (icon !== undefined && isDrawable(icon) ? icon : undefined);
export const webIconOf = ({ icon }: PushContent) => (icon !== undefined && !isDrawable(icon) ? icon : undefined);

/** Title, body and data alone: all that there was in 0.1. */
export const isPlain = (content: PushContent): boolean => RICH_PUSH_FIELDS.every((name) => content[name] === undefined);

/**
 * The first form that fits; the last one where none does. Each leaves out something that the one before it has, so that a push which was accepted
 * with less around it is still sent.
 */
export function firstFitting<T>(forms: readonly [() => T, ...(() => T)[]], fits: (form: T) => boolean): T {
  let last = forms[0]();
  for (const form of forms.slice(1)) {
    if (fits(last)) return last;
    last = form();
  }
  return last;
}
