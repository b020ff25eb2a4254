import { endpointId } from "../adapters/ids.ts";
import type { ServedApps, ServedCategory } from "../adapters/store/served-apps.ts";
import type { UnsubscribeLinks } from "../adapters/unsubscribe-links.ts";
import { hasListUnsubscribe } from "../core/content/email-headers.ts";
import { asksCategory, offersUnsubscribe } from "../core/content/email-unsubscribe.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { endpointSubject, userSubject } from "../core/preferences/opt-out.ts";
import { createStateLog } from "../runtime/state-log.ts";
import { CONTENT_UNREADABLE_WAIT_MS } from "./content-loader.ts";
import type { Dispatch, NeedsGuardParts } from "./needs-guard.ts";

export interface UnsubscribeParts extends NeedsGuardParts {
  appOf: ServedApps;
  links: Pick<UnsubscribeLinks, "isOn" | "urlOf">;
  /** Public URL of feedback. */
  base: string;
}

const NO_LINKS =
  "UNSUBSCRIBE_KEYS_FILE is not set: marketing mails are sent without a link to unsubscribe, and Gmail and Yahoo reject such mails of large senders";

/**
 * Gives a mail that offers to unsubscribe its recipient's own link. Each copy of a mail goes to an address of its own, and its link is about that address: whoever
 * uses it unsubscribes nobody else. Where the app's categories cannot be read, the task returns to the queue.
 */
export function createUnsubscribe(dispatch: Dispatch, parts: UnsubscribeParts): Dispatch {
  const { channel, clock, log, metrics, links, base, appOf } = parts;
  if (!links.isOn()) log.warn(NO_LINKS);
  const state = createStateLog(
    log,
    { lost: "the categories of apps cannot be read; tasks of mails return to the queue", back: "the categories of apps can be read again" },
    clock.monotonic,
  );

  return async (task, holder) => {
    const { email } = task.content;
    if (email === undefined || task.statusQuery) return dispatch(task, holder);
    const { app, category, notificationClass } = task;
    let settings: ServedCategory | undefined;
    if (asksCategory(email, notificationClass)) {
      try {
        settings = (await appOf(app)).categories.get(category);
        state.works();
      } catch (error) {
        state.fails({ err: error });
        metrics.settled.inc({ channel, settlement: "nak", why: "categories-unreadable" });
        return { kind: "nak", delayMs: CONTENT_UNREADABLE_WAIT_MS };
      }
    }
    if (!offersUnsubscribe(email, { notificationClass, category, settings })) return dispatch(task, holder);
    if (links.isOn()) return dispatch({ ...task, unsubscribeUrl: urlFor(task) }, holder);
    if (!hasListUnsubscribe(email.headers)) metrics.withoutUnsubscribe.inc({ class: notificationClass });
    return dispatch(task, holder);
  };

  function urlFor({ app, userId, endpoint, channel: of, category, notificationId }: DeliveryTask): string {
    const subject = userId === undefined ? endpointSubject(endpointId(endpoint)) : userSubject(userId);
    return links.urlOf({ app, subject, channel: of, category, notificationId, issuedAt: clock.now() }, base);
  }
}
