import { endpointId } from "../../adapters/ids.ts";
import { createPreferences } from "../../adapters/opt-outs/preferences.ts";
import { createPageLinks } from "../../adapters/page-links.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Category } from "../../core/preferences/category.ts";
import { userSubject } from "../../core/preferences/opt-out.ts";
import type { PageClaim } from "../../core/preferences/page-claim.ts";
import { claimOf, claimText, type UnsubscribeClaim } from "../../core/preferences/unsubscribe-token.ts";
import type { PreferenceAccess } from "../../feedback/choices.ts";
import { createFeedbackMetrics } from "../../feedback/metrics.ts";
import { createRecipientRoutes } from "../../feedback/recipient-routes.ts";
import { startHttpServer } from "../../runtime/http/server.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { sealToken, unsealToken } from "../../runtime/sealed-token.ts";
import { createFakeClock } from "./fake-clock.ts";
import { sampleApp } from "./store/samples.ts";

/** Of links to unsubscribe. */
export const LINK_KEYS = { purpose: "unsubscribe", keys: ["a key of thirty-two characters, a"] };

const CATEGORIES: Category[] = [
  {
    ...{ name: "newsletter", default: "opted-out", order: 3, notificationClass: "marketing" },
    labels: { en: { title: "Newsletter & more", description: "Twice a month" }, ko: { title: "소식지" } },
  },
  {
    ...{ name: "security", default: "required", order: 1 },
    labels: { en: { title: "Security", description: "Sign-in codes" }, ko: { title: "보안" } },
  },
  {
    ...{ name: "orders", default: "opted-in", order: 2, channelsOff: ["sms"] },
    labels: { en: { title: "Orders" }, ko: { title: "주문" } },
  },
  { ...{ name: "internal", default: "opted-in", hidden: true }, labels: { en: { title: "Internal" } } },
];

/** The pages that recipients see, of one app and for one person, "ann", served over HTTP from a store in memory. */
export async function startRecipientPages(
  over: { preferences?: PreferenceAccess; inFlightMax?: number; isOn?: boolean; categories?: Category[]; now?: number } = {},
) {
  await using stack = new AsyncDisposableStack();
  const clock = createFakeClock(over.now);
  const log = createLogger("feedback", "debug", { write: () => undefined });
  const store = stack.use(await openStore("sqlite::memory:"));
  const app = sampleApp({ channels: ["apns", "fcm", "webpush", "sms", "email"], categories: over.categories ?? CATEGORIES });
  await store.apps.change(app.id, () => app);
  const { preferences: choices, apps, profiles } = store;
  const preferences = stack.use(createPreferences({ store: choices, apps, profiles, redis: undefined, clock, log }));
  const metrics = createFeedbackMetrics(createMetrics("feedback"));
  const links = {
    isOn: () => over.isOn ?? true,
    keys: () => LINK_KEYS.keys,
    urlOf: () => "",
    claimIn(token: string) {
      const text = unsealToken(token, LINK_KEYS);
      return text === undefined ? undefined : claimOf(text);
    },
  };
  const { inFlightMax } = over;
  const routes = createRecipientRoutes(
    { links, preferences: over.preferences ?? preferences, store, clock, metrics, ...(inFlightMax !== undefined && { inFlightMax }) },
    ["", "/in"],
  );
  const server = stack.use(await startHttpServer({ host: "127.0.0.1", port: 0, ready: () => true, log, routes }));
  const origin = `http://127.0.0.1:${server.port}`;
  const claim: PageClaim = { app: app.id, subject: userSubject("ann"), issuedAt: Math.floor(clock.now() / 1_000) * 1_000 };
  const mailClaim: UnsubscribeClaim = {
    ...{ app: app.id, subject: claim.subject, channel: "email", category: "newsletter" },
    ...{ notificationId: "0123456789abcdef0123456789abcdef", issuedAt: clock.now() },
  };
  const pages = createPageLinks(() => LINK_KEYS.keys);
  const register = (endpoint: Endpoint) =>
    store.contacts.register({ app: app.id, userId: "ann", endpointId: endpointId(endpoint), endpoint, registeredAt: clock.now() });
  const ask = (path: string, init: RequestInit = {}) => fetch(`${origin}${path}`, { redirect: "manual", ...init });
  /** Sends a form as a browser does. */
  const post = async (path: string, fields: Record<string, string>) => {
    const answer = await ask(path, { method: "POST", body: new URLSearchParams(fields) });
    return { status: answer.status, page: await answer.text() };
  };
  const kept = stack.move();
  return {
    ...{ clock, store, app, claim, mailClaim, preferences, origin, register, metrics, ask, post },
    pathOf: (other: Partial<PageClaim> = {}) => pages.pathOf({ ...claim, ...other }) ?? "",
    unsubscribePathOf: (other: Partial<UnsubscribeClaim> = {}) => `/u/${sealToken(claimText({ ...mailClaim, ...other }), LINK_KEYS)}`,
    history: () => choices.history(app.id, claim.subject, Number.MAX_SAFE_INTEGER, 100),
    record: async () => (await choices.find(app.id, [claim.subject]))[0],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
