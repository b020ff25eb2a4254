import { endpointId } from "../adapters/ids.ts";
import type { BrandLinks, PageLinks } from "../adapters/page-links.ts";
import type { AppRecord } from "../core/apps/app.ts";
import { maskEndpoint } from "../core/delivery/endpoint.ts";
import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import type { CategoryLabel } from "../core/preferences/category.ts";
import { endpointSubject, userIdOf } from "../core/preferences/opt-out.ts";
import type { PageClaim } from "../core/preferences/page-claim.ts";
import { opensPage, type UnsubscribeClaim } from "../core/preferences/unsubscribe-token.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { RequestHead } from "../runtime/http/server.ts";
import { brandOf } from "./brand.ts";
import { inLanguage, type Language, languageOfRequest } from "./pages/language.ts";
import type { UnsubscribeView } from "./pages/unsubscribe-pages.ts";
import { isRequired } from "./preference-table.ts";

/** Longest time for reading what a page shows, in ms. A page that lacks some of it is still useful. */
const READ_MS_MAX = 1_000;

export type ViewStore = Pick<Store, "apps" | "profiles" | "notifications">;

export interface UnsubscribeViewParts {
  store: ViewStore;
  clock: Pick<Clock, "now" | "after">;
  pages: Pick<PageLinks, "pathOf">;
  brands: BrandLinks;
}

/** Reads what a page says of a link: as much as can be read in time. */
export function createUnsubscribeView({ store, clock, pages, brands }: UnsubscribeViewParts) {
  const read = <T>(work: Promise<T | undefined>): Promise<T | undefined> =>
    withDeadline(work, { clock, limitMs: READ_MS_MAX }, () => undefined).catch(() => undefined);

  return async (claim: UnsubscribeClaim, head: Pick<RequestHead, "query" | "headers">): Promise<UnsubscribeView> => {
    const { app: id, subject, notificationId } = claim;
    const userId = userIdOf(subject);
    const [app, profiles, notification] = await Promise.all([
      read(store.apps.find(id)),
      userId === undefined ? undefined : read(store.profiles.find(id, [userId])),
      read(store.notifications.find(notificationId)),
    ]);
    const language = languageOfRequest(head, profiles?.[0]?.profile.locale);
    return {
      ...{ language, brand: brandOf(id, app?.brand, language, brands) },
      settings: opensPage(claim, clock.now()) ? pages.pathOf(pageClaimOf(claim)) : undefined,
      category: titleOf(app, claim.category, language),
      description: labelOf(app, claim.category, language)?.description,
      required: (app?.categories ?? [])
        .filter((category) => isRequired(category, profiles?.[0]?.profile.tenant))
        .map(({ name }) => titleOf(app, name, language)),
      address: notification?.app === id ? addressOf(notification, claim) : undefined,
    };
  };
}

const labelOf = (app: AppRecord | undefined, category: string, language: Language): CategoryLabel | undefined =>
  inLanguage(app?.categories?.find(({ name }) => name === category)?.labels ?? {}, language);

const titleOf = (app: AppRecord | undefined, category: string, language: Language): string =>
  labelOf(app, category, language)?.title ?? category;

/** Masked; undefined where there are several, or none any more. */
function addressOf({ deliveries }: NotificationRecord, { subject, channel }: UnsubscribeClaim): string | undefined {
  const isOwn = ({ copy, endpoint }: Delivery) =>
    endpoint?.channel === channel &&
    (userIdOf(subject) === undefined ? subject === endpointSubject(endpointId(endpoint)) : copy === undefined);
  const [endpoint, ...others] = deliveries.filter(isOwn).flatMap((delivery) => delivery.endpoint ?? []);
  return endpoint === undefined || others.length > 0 ? undefined : maskEndpoint(endpoint);
}

/** For the page of all choices, which ends when this link opens no page any more. */
const pageClaimOf = ({ app, subject, channel, notificationId, issuedAt }: UnsubscribeClaim): PageClaim => ({
  ...{ app, subject, notificationId, issuedAt },
  channel: userIdOf(subject) === undefined ? channel : undefined,
});
