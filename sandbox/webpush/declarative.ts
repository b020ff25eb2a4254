import { between, flag, inWords, matches, mistakesIn, object, oneOf, textOr, whole } from "../kit/fields.ts";
import { isFields } from "../kit/read.ts";
import { absoluteUrl, actions, NOTIFICATION_RULES, notificationMembers } from "../kit/web-notification.ts";

/** W3C: "Push API", declarative push message. Members that it lacks are ignored. */
const badge = textOr(whole(between(0, Number.POSITIVE_INFINITY)), matches(/^\d{1,19}$/, "digits"));

const MESSAGE = object(
  {
    web_push: whole(oneOf(8030)),
    // Safari 18.4 reads the app's badge and mutable inside of it, the specification beside it.
    notification: object(
      {
        ...notificationMembers(absoluteUrl),
        ...{ app_badge: badge, mutable: flag, actions: actions(["action", "title", "navigate"], absoluteUrl) },
      },
      { required: ["title", "navigate"] },
      ...NOTIFICATION_RULES,
    ),
    app_badge: badge,
    mutable: flag,
  },
  { required: ["notification"] },
);

/** Why a browser would not show this message by itself, in words; undefined where it would, or where the message does not ask it to. */
export function declarativeMistake(payload: unknown): string | undefined {
  if (!isFields(payload) || payload.web_push === undefined) return undefined;
  const [first] = mistakesIn(MESSAGE, payload);
  return first && inWords(first);
}
