import { readFileSync } from "node:fs";
import type { Clock } from "../core/ports/clock.ts";
import type { HttpResponse, RequestHead, Route } from "../runtime/http/server.ts";
import { createClientFiles, PAGE_HEADERS } from "../web/server/client-files.ts";
import { MAIL_HEADERS, mailDocument } from "../web/server/mail-frame.ts";
import { createAccounts } from "./api/accounts.ts";
import { type ActParts, cancel, redriveOne } from "./api/act.ts";
import { type AppsParts, createApps, createKeyRoutes } from "./api/apps.ts";
import { createDead, createRedriveRoutes } from "./api/dead.ts";
import { createFindRoutes, type FindParts } from "./api/find.ts";
import { notificationView, partsOf } from "./api/notification.ts";
import { createNow } from "./api/now.ts";
import { createPersonRoutes } from "./api/person.ts";
import type { PersonParts } from "./api/person-orders.ts";
import { createReadings, type ReadingsParts } from "./api/readings.ts";
import type { Redrives } from "./api/redrives.ts";
import { get, post, RequestFault } from "./api/route.ts";
import { createSteerRoutes, type SteerParts } from "./api/steer.ts";
import { noSuchPage } from "./auth/pages.ts";
import { apiError, type SessionRoute } from "./auth/protect.ts";

export interface ConsoleParts extends ActParts, Pick<PersonParts, "preferences" | "references" | "log"> {
  store: ActParts["store"] & FindParts["store"] & ReadingsParts["store"] & AppsParts["store"] & PersonParts["store"];
  clock: Clock;
  redrives: Redrives;
  /** Every provider's name and channel: providers/list.ts. */
  providers: SteerParts["providers"];
  /** Where dispatchers share their circuits: createSharedCircuits() of a channel. Nothing is written to it. */
  circuits: ReadingsParts["circuits"];
  nats: ReadingsParts["nats"];
}

/** The API of the pages. protectRoutes() serves it to nobody without a session and the role of ROUTE_ROLES. */
export function createApiRoutes(parts: ConsoleParts): SessionRoute[] {
  const readings = createReadings(parts);
  const [now, accounts, apps, dead] = [
    createNow({ ...parts, readings }),
    createAccounts({ ...parts, readings }),
    createApps(parts),
    createDead(parts),
  ];
  /** Who has given an order sees what it changed. */
  const orders = renewing([now, accounts, apps, dead]);
  return [
    get("/api/now", (_, session) => now.view(session)),
    get("/api/accounts", (_, session) => accounts.view(session)),
    get("/api/apps", (_, session) => apps.view(session)),
    get("/api/dead", () => dead.read()),
    ...orders([...createSteerRoutes(parts), ...createKeyRoutes(parts), ...createRedriveRoutes(parts, dead)]),
    ...createFindRoutes(parts),
    ...createPersonRoutes(parts),
    get("/api/notifications/*", async ({ path }, session) => {
      const view = await notificationView(parts.store, idIn(path), session, parts.clock.now());
      if (view === undefined) throw new RequestFault("there is no notification of this id", 404);
      return view;
    }),
    { method: "GET", path: "/api/mails/*", handle: ({ path }) => mail(parts, idIn(path)) },
    ...orders([
      post("/api/cancel", (body, session) => cancel(parts, body, session)),
      post("/api/redrive", (body, session) => redriveOne(parts, body, session)),
    ]),
  ];
}

/** The same routes; once one of them has changed something, what is shared is read anew. */
const renewing =
  (read: readonly { renew(): void }[]) =>
  (routes: readonly SessionRoute[]): SessionRoute[] =>
    routes.map((route) => ({
      ...route,
      async handle(request, session) {
        try {
          return await route.handle(request, session);
        } finally {
          if (route.method !== "GET") for (const one of read) one.renew();
        }
      },
    }));

/** The id at the end of a path; "" where there is none. */
const idIn = (path: string) => /\/([0-9a-f]{32})$/.exec(path)?.[1] ?? "";

/** The HTML of a mail, for a frame in which it can do nothing. */
async function mail({ store }: ConsoleParts, id: string): Promise<HttpResponse> {
  const n = await store.notifications.find(id);
  const html = n && (await partsOf(store, n)).email?.html;
  if (!html) return { status: 404, headers: { "content-type": "text/plain; charset=utf-8" }, body: "no such mail\n" };
  return { status: 200, headers: MAIL_HEADERS, body: mailDocument(html, []) };
}

/** Pages, scripts and styles: they hold no data, and everybody may load them. */
export function createPageRoutes(): Route[] {
  const files = createClientFiles([{ path: "/console/client/", folder: new URL("./client/", import.meta.url) }]);
  let pageText: string | undefined;
  const page = async (): Promise<HttpResponse> => {
    pageText ??= readFileSync(new URL("./page.html", import.meta.url), "utf8");
    return { status: 200, headers: { ...PAGE_HEADERS, "content-type": "text/html; charset=utf-8" }, body: pageText };
  };
  const file: Route["handle"] = async ({ path }) => {
    const found = files(path);
    return found === undefined ? { status: 404, body: "not found\n" } : { status: 200, ...found };
  };
  return [
    { method: "GET", path: "/", handle: async () => ({ status: 302, headers: { location: "/now" } }) },
    ...["/now", "/find", "/people", "/dead-letters", "/apps", "/accounts", "/notifications/*"].map(
      (path): Route => ({ method: "GET", path, handle: page, isServed: (given) => !path.endsWith("/*") || idIn(given) !== "" }),
    ),
    ...["/console/client/*", "/web/*"].map((path): Route => ({ method: "GET", path, handle: file })),
  ];
}

/** Where the console has nothing: a program gets JSON, and a person a page that leads on. */
export const notFound = ({ path, headers }: RequestHead): HttpResponse =>
  !path.startsWith("/api/") && headers.accept?.includes("text/html") === true
    ? noSuchPage()
    : apiError(404, "path", "the console has nothing at this path");
