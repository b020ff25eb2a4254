import type { Role } from "../session.ts";

/**
 * The least role that may call each route which needs a session, by method and path. A route without a row cannot be served, and neither can a row
 * without its route: protectRoutes() throws when the console starts.
 */
export const ROUTE_ROLES: Readonly<Record<string, Role>> = {
  "GET /api/session": "viewer",
  "GET /api/now": "viewer",
  "GET /api/accounts": "viewer",
  "GET /api/apps": "viewer",
  "POST /api/pause": "operator",
  "POST /api/resume": "operator",
  "POST /api/drain": "operator",
  "POST /api/reevaluate": "operator",
  "POST /api/keys/create": "operator",
  "POST /api/keys/rotate": "operator",
  "POST /api/keys/revoke": "operator",
  "GET /api/dead": "viewer",
  "POST /api/dead/redrive": "operator",
  "GET /api/dead/redrives": "viewer",
  "POST /api/dead/stop": "operator",
  "POST /api/find": "viewer",
  "POST /api/resolve": "viewer",
  "GET /api/notifications/*": "viewer",
  "GET /api/mails/*": "support",
  "POST /api/person": "viewer",
  "POST /api/person/reveal": "support",
  "POST /api/person/opt-out": "support",
  "POST /api/person/undo-opt-out": "operator",
  "POST /api/person/lift-block": "operator",
  "POST /api/cancel": "operator",
  "POST /api/redrive": "operator",
};
