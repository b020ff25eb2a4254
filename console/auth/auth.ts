import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/ports/clock.ts";
import type { Route } from "../../runtime/http/server.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Role } from "../session.ts";
import type { AuthConfig } from "./config.ts";
import { createLinkRoutes } from "./link-routes.ts";
import { createLoginLimit } from "./login-limit.ts";
import { createLoginLinks } from "./login-links.ts";
import { createLoginLog } from "./login-log.ts";
import { createOidcRoutes } from "./oidc-routes.ts";
import { foreign, signedOut } from "./pages.ts";
import { json, protectRoutes, type SessionRoute } from "./protect.ts";
import type { References } from "./references.ts";
import { originMistake } from "./same-origin.ts";
import { createSessions } from "./sessions.ts";

export interface AuthParts {
  config: AuthConfig;
  clock: Pick<Clock, "now" | "monotonic">;
  log: Logger;
  /** Of CONSOLE_KEYS_FILE, as it is now. */
  keysNow(): readonly string[];
  references: Pick<References, "ofName">;
  /** Least roles by method and path: ROUTE_ROLES. */
  roles: Readonly<Record<string, Role>>;
  /** Shows a link where only the person at this machine sees it. @param path below the console's URL */
  printLink(path: string): void;
}

/** Who may enter the console, and what they may call there. */
export interface Auth {
  /** Of signing in and out: served to everybody. */
  routes: Route[];
  /** The console's own routes and GET /api/session, behind their session and role. Pages and scripts hold no data: they need no session. */
  protect(routes: readonly SessionRoute[]): Route[];
  /** Path of a new one-time link; undefined where the issuer signs people in. */
  newLink(): string | undefined;
}

/** @param config as requireAuth() checked it */
export function createAuth({ config, clock, log, keysNow, references, roles, printLink }: AuthParts): Auth {
  const publicUrl = config.CONSOLE_URL;
  // Without a file, sessions end with the process.
  const ownKey = [randomBytes(32).toString("base64url")];
  const keys = () => (keysNow().length > 0 ? keysNow() : ownKey);
  const parts = { clock, keys, isSecure: publicUrl !== "" && new URL(publicUrl).protocol === "https:" };
  const sessions = createSessions(parts);
  const loginLog = createLoginLog(log, references);
  const hasRoom = createLoginLimit(clock);
  const usesLinks = config.CONSOLE_OIDC_ISSUER === "";
  const links = createLoginLinks(clock);
  const oidc = usesLinks ? undefined : createOidcRoutes({ ...parts, config, sessions, hasRoom, log: loginLog });
  const signIn = oidc?.routes ?? createLinkRoutes({ links, sessions, publicUrl, hasRoom, log: loginLog, print: printLink });

  const signOut: Route = {
    ...{ method: "POST", path: "/logout" },
    async handle({ headers }) {
      if (originMistake(headers, publicUrl) !== undefined) return foreign(loginLog.failed("foreign"));
      const { cookie, session } = sessions.end(headers.cookie);
      if (session) loginLog.signedOut(session);
      // Nobody's request causes one to the issuer.
      return signedOut([cookie], session && (await oidc?.endUrl()));
    },
  };

  const whoAmI: SessionRoute = {
    ...{ method: "GET", path: "/api/session" },
    handle: async (_, session) => json({ ...session, signInBy: usesLinks ? "link" : "oidc" }),
  };

  return {
    routes: [...signIn, signOut],
    protect: (routes) => protectRoutes([whoAmI, ...routes], { sessions, roles, publicUrl }),
    newLink: () => (usesLinks ? links.create() : undefined),
  };
}
