import { DECLARATIVE, withWholeUrls } from "./declarative-urls.ts";
import { isObject, type JsonObject } from "./json.ts";
import { WEBPUSH_PLAINTEXT_BYTES_MAX } from "./limits.ts";
import { protectedPaths, withOverride } from "./overrides.ts";
import { type PushContent, pushKind } from "./push-content.ts";
import {
  bodyWithSubtitle,
  dataOf,
  firstFitting,
  given,
  isHttpsUrl,
  isPlain,
  type PushIds,
  webActionsOf,
  webIconOf,
  webUrl,
} from "./push-fields.ts";

/** What an override of the payload may not touch. */
export const WEBPUSH_PROTECTED = protectedPaths("carillon", "notification.tag?");

/** Why browsers cannot be sent this content; undefined: they can. Safari ends a subscription after three pushes that showed nothing. */
export function webPushLacks(content: PushContent): "unshown" | "localized" | undefined {
  if (pushKind(content) !== "shown") return "unshown";
  return content.title === "" && content.body === "" ? "localized" : undefined;
}

export interface WebPushEnvelope {
  ids: PushIds;
  /** A later notification with the same one replaces this one. */
  mark: string;
  /** What a tap opens where the content names no URL: the application's own, https. */
  origin: string | undefined;
}

/**
 * The text that is encrypted, JSON. `notification` is read by browsers themselves where the payload is a declarative one, which needs a URL to open,
 * and by Angular's service worker; title, body and data beside it by workers of one's own.
 */
export const webPushPlaintext = (content: PushContent, envelope: WebPushEnvelope): string => {
  const form = (parts: Parts) => () => plaintextWith(content, envelope, parts);
  const hasTexts = textsStayOutside(content);
  return firstFitting(
    [
      form({ isDeclarative: true, hasNotification: true, hasTexts: true }),
      ...(hasTexts ? [] : [form({ isDeclarative: true, hasNotification: true, hasTexts: false })]),
      form({ isDeclarative: false, hasNotification: true, hasTexts }),
      () => leastWebPushPlaintext(content, envelope),
    ],
    (text) => Buffer.byteLength(text) <= WEBPUSH_PLAINTEXT_BYTES_MAX,
  );
};

/** With one copy of the texts. */
export function leastWebPushPlaintext(content: PushContent, envelope: WebPushEnvelope): string {
  const hasTexts = textsStayOutside(content);
  return plaintextWith(content, envelope, { isDeclarative: false, hasNotification: !hasTexts, hasTexts });
}

/**
 * Which copy of the texts stays: title, body and data of a push of nothing else were always read outside of the notification; and where an override
 * takes the notification away, they are all that is left.
 */
const textsStayOutside = (content: PushContent): boolean => isPlain(content) || content.overrides?.webpush?.notification === null;

interface Parts {
  isDeclarative: boolean;
  hasNotification: boolean;
  /** Title, body and data outside of `notification`. */
  hasTexts: boolean;
}

function plaintextWith(content: PushContent, envelope: WebPushEnvelope, parts: Parts): string {
  const { badge, mutable, overrides } = content;
  // Browsers know no texts of the application.
  const isShown = pushKind(content) === "shown" && (content.title !== "" || content.body !== "");
  const base = parts.isDeclarative ? baseOf(content, envelope) : undefined;
  const navigate = base !== undefined && isShown ? (webUrl(content.clickUrl) ?? base) : undefined;
  const texts = { title: content.title, body: bodyWithSubtitle(content), data: dataOf(content) };
  const payload = {
    ...(navigate === undefined ? {} : { web_push: DECLARATIVE }),
    ...given({
      notification: isShown && parts.hasNotification ? notificationOf(content, envelope.mark, navigate) : undefined,
      ...{ app_badge: badge, mutable },
      ...(parts.hasTexts || !isShown ? texts : {}),
    }),
    carillon: { ...envelope.ids },
  };
  return JSON.stringify(withWholeUrls(withOverride(payload, overrides?.webpush, WEBPUSH_PROTECTED), base));
}

/** What relative URLs of a declarative push are resolved against; undefined: it can have none. */
function baseOf({ clickUrl }: PushContent, { origin }: WebPushEnvelope): string | undefined {
  return origin ?? (clickUrl !== undefined && isHttpsUrl(clickUrl) ? clickUrl : undefined);
}

function notificationOf(content: PushContent, mark: string, navigate: string | undefined): JsonObject {
  const body = bodyWithSubtitle(content);
  const { title, lang, dir, sound, imageUrl } = content;
  return given({
    // It needs a title: a body alone becomes it.
    ...(title === "" ? { title: body } : { title, body }),
    ...{ navigate, lang, dir, tag: mark, image: imageUrl, icon: webIconOf(content), silent: sound === "none" },
    // Safari reads these two here, the Push API beside the notification.
    ...(navigate === undefined ? {} : { app_badge: content.badge, mutable: content.mutable }),
    actions: webActionsOf(content, navigate),
    data: dataWithTargets(content),
  });
}

/** The caller's data; its own targets stay, key by key. */
function dataWithTargets(content: PushContent): JsonObject {
  const { onActionClick: own, ...data } = dataOf(content);
  const targets = onActionClick(content);
  return { ...data, ...given({ onActionClick: isObject(own) ? { ...targets, ...own } : (own ?? targets) }) };
}

/** What Angular's service worker does when the notification or a button of it is tapped (Angular: Push notifications). */
function onActionClick({ clickUrl, actions = [] }: PushContent): JsonObject {
  const targets = [["default", webUrl(clickUrl)] as const, ...actions.map(({ id, clickUrl: url }) => [id, webUrl(url)] as const)];
  return Object.fromEntries(targets.flatMap(([id, url]) => (url === undefined ? [] : [[id, { operation: "openWindow", url }]])));
}
