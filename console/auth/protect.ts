import type { IncomingHttpHeaders } from "node:http";
import type { HttpRequest, HttpResponse, RequestHead, Route } from "../../runtime/http/server.ts";
import { hasRole, type Role, type Session } from "../session.ts";
import { hostMistake, originMistake } from "./same-origin.ts";
import type { Sessions } from "./sessions.ts";

/** A route that needs a session. */
export interface SessionRoute extends Omit<Route, "handle" | "screen"> {
  handle(request: HttpRequest, session: Session): Promise<HttpResponse>;
}

export interface ProtectParts {
  sessions: Pick<Sessions, "open">;
  /** Least roles, by method and path: ROUTE_ROLES. */
  roles: Readonly<Record<string, Role>>;
  /** Where browsers reach the console; "": at a loopback address. */
  publicUrl: string;
}

/** Never kept by a browser or a proxy: it is one person's view. No route may say otherwise. */
const PRIVATE_HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** An answer of the console's API. */
export const json = (body: unknown, status = 200): HttpResponse => ({
  status,
  headers: { ...PRIVATE_HEADERS, "content-type": "application/json" },
  body: `${JSON.stringify(body)}\n`,
});

/** An error of the console's API. @param code for programs, fixed; @param message for people */
export const apiError = (status: number, code: string, message: string): HttpResponse => json({ error: { code, message } }, status);

/** Undefined where the session has the role; otherwise a 403 that names it. */
export const requireRole = (session: Session, least: Role): HttpResponse | undefined =>
  hasRole(session, least) ? undefined : apiError(403, "role", `this needs the role ${least}; you have ${session.role}`);

/**
 * The routes behind their session and role. A POST must come from a page of the console, as JSON. All of that is checked before a body is read. Throws
 * where a route has no row in `roles`, or a row no route.
 */
export function protectRoutes(routes: readonly SessionRoute[], { sessions, roles, publicUrl }: ProtectParts): Route[] {
  const keys = new Set(routes.map(keyOf));
  const withoutRow = [...keys].filter((key) => !Object.hasOwn(roles, key));
  const withoutRoute = Object.keys(roles).filter((key) => !keys.has(key));
  if (withoutRow.length > 0) throw new Error(`no role in ROUTE_ROLES for ${withoutRow.join(", ")}`);
  if (withoutRoute.length > 0) throw new Error(`no route for the row of ROUTE_ROLES ${withoutRoute.join(", ")}`);
  return routes.map((route): Route => {
    const least = roles[keyOf(route)]!;
    const screen = (head: RequestHead) => {
      const foreign = foreignRequest(head, publicUrl);
      if (foreign) return foreign;
      const session = sessions.open(head.headers.cookie);
      return session === undefined ? signedOut() : requireRole(session, least);
    };
    return {
      ...route,
      screen,
      async handle(request) {
        const session = sessions.open(request.headers.cookie);
        // It ended while the body was read.
        if (session === undefined) return signedOut();
        const answer = await route.handle(request, { name: session.name, role: session.role });
        return {
          ...answer,
          headers: { ...answer.headers, ...PRIVATE_HEADERS },
          cookies: [...(session.renewal === undefined ? [] : [session.renewal]), ...(answer.cookies ?? [])],
        };
      },
    };
  });
}

const keyOf = ({ method, path }: Pick<Route, "method" | "path">) => `${method} ${path}`;

const signedOut = () => apiError(401, "signed-out", "you are not signed in, or your session ended; sign in at /login");

/** What a page of another site may have sent; undefined: it did not. */
function foreignRequest({ method, headers }: RequestHead, publicUrl: string): HttpResponse | undefined {
  const mistake = method === "POST" ? originMistake(headers, publicUrl) : hostMistake(headers, publicUrl);
  if (mistake !== undefined) return apiError(403, "foreign", mistake);
  if (method === "POST" && !isJson(headers)) return apiError(415, "content-type", "the body must be application/json");
  return undefined;
}

const isJson = (headers: IncomingHttpHeaders) => /^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "");
