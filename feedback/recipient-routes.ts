import { createBrandLinks, createPageLinks } from "../adapters/page-links.ts";
import type { UnsubscribeLinks } from "../adapters/unsubscribe-links.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import type { Route } from "../runtime/http/server.ts";
import { createBrandRoutes } from "./brand.ts";
import type { PreferenceAccess } from "./choices.ts";
import type { FeedbackMetrics } from "./metrics.ts";
import { createInFlight, createPageGuard } from "./page-guard.ts";
import { assetRoutes } from "./pages/assets.ts";
import { createPreferenceRoutes } from "./preference-routes.ts";
import { createUnsubscribeRoutes } from "./unsubscribe-routes.ts";

export interface RecipientRouteParts {
  links: Omit<UnsubscribeLinks, typeof Symbol.dispose>;
  preferences: PreferenceAccess;
  store: Pick<Store, "apps" | "profiles" | "contacts" | "preferences" | "notifications">;
  clock: Clock;
  metrics: Pick<FeedbackMetrics, "unsubscribes" | "preferencePages">;
  inFlightMax?: number;
}

/** All that people reach by links in mails and apps. @param bases what precedes our paths in a request */
export function createRecipientRoutes(parts: RecipientRouteParts, bases: readonly string[]): Route[] {
  const { links, store, clock, inFlightMax } = parts;
  const inFlight = createInFlight(inFlightMax);
  const guard = createPageGuard(clock, inFlight);
  const [pages, brands] = [createPageLinks(links.keys), createBrandLinks(links.keys)];
  return [
    ...createUnsubscribeRoutes({ ...parts, guard, pages, brands }, bases),
    ...createPreferenceRoutes({ ...parts, guard, links: pages, brands }, bases),
    ...createBrandRoutes({ links: brands, apps: store.apps, clock, inFlight }, bases),
    ...bases.flatMap(assetRoutes),
  ];
}
