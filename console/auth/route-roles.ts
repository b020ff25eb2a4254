import type { Role } from "../session.ts";

/**
 * The least role that may call each route which needs a session, by method and path. A route without a row cannot be served, and neither can a row
 * without its route: protectRoutes() throws when the console starts.
 */
export const ROUTE_ROLES: Readonly<Record<string, Role>> = {
  "GET /api/session": "viewer",
};
