import type { JsonObject } from "./json.ts";
import { WEBPUSH_PLAINTEXT_BYTES_MAX } from "./limits.ts";
import { protectedPaths, withOverride } from "./overrides.ts";
import { type PushContent, pushKind } from "./push-content.ts";
import { bodyWithSubtitle, dataOf, firstFitting, given, isPlain, type PushIds, webActionsOf, webIconOf, webUrl } from "./push-fields.ts";

/** What an override of the payload may not touch. */
export const WEBPUSH_PROTECTED = protectedPaths("carillon", "notification.tag");

/** Why browsers cannot be sent this content; undefined: they can. */
export function webPushLacks({
  background,
  title,
  body,
  titleLocalized,
  bodyLocalized,
}: PushContent): "background" | "localized" | undefined {
  if (background) return "background";
  return title === "" && body === "" && (titleLocalized || bodyLocalized) ? "localized" : undefined;
}

/** Marks a payload as a declarative one (W3C Push API: declarative push message). */
const DECLARATIVE = 8030;

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
  return firstFitting(
    [
      form({ isDeclarative: true, hasNotification: true, hasTexts: true }),
      // A content of which nothing but title, body and data is used was always read there alone; any other content says more in `notification`.
      ...(isPlain(content) ? [] : [form({ isDeclarative: true, hasNotification: true, hasTexts: false })]),
      form({ isDeclarative: false, hasNotification: true, hasTexts: isPlain(content) }),
      () => leastWebPushPlaintext(content, envelope),
    ],
    (text) => Buffer.byteLength(text) <= WEBPUSH_PLAINTEXT_BYTES_MAX,
  );
};

/** With one copy of the texts. */
export const leastWebPushPlaintext = (content: PushContent, envelope: WebPushEnvelope): string =>
  plaintextWith(content, envelope, { isDeclarative: false, hasNotification: !isPlain(content), hasTexts: isPlain(content) });

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
  const navigate = parts.isDeclarative && isShown ? (webUrl(content.clickUrl) ?? envelope.origin) : undefined;
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
  return JSON.stringify(withOverride(payload, overrides?.webpush, WEBPUSH_PROTECTED));
}

function notificationOf(content: PushContent, mark: string, navigate: string | undefined): JsonObject {
  const body = bodyWithSubtitle(content);
  const { title, lang, dir, sound, imageUrl } = content;
  return given({
    // It needs a title: a body alone becomes it.
    ...(title === "" ? { title: body } : { title, body }),
    ...{ navigate, lang, dir, tag: mark, image: imageUrl, icon: webIconOf(content), silent: sound === "none" },
    actions: webActionsOf(content, navigate !== undefined),
    data: { ...dataOf(content), ...given({ onActionClick: onActionClick(content) }) },
  });
}

/** What Angular's service worker does when the notification or a button of it is tapped (Angular: Push notifications). */
function onActionClick({ clickUrl, actions = [] }: PushContent): JsonObject {
  const targets = [["default", webUrl(clickUrl)] as const, ...actions.map(({ id, clickUrl: url }) => [id, webUrl(url)] as const)];
  return Object.fromEntries(targets.flatMap(([id, url]) => (url === undefined ? [] : [[id, { operation: "openWindow", url }]])));
}
