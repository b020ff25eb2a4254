import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../core/ports/clock.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import { sealToken, unsealToken } from "../../runtime/sealed-token.ts";
import { ROLES, type Session } from "../session.ts";
import { type CookieSpec, readCookie, removeCookie, setCookie } from "./cookies.ts";

/** A working day: then everybody signs in again, and the identity provider says anew what they may do. */
export const SESSION_MS_MAX = 8 * 3_600_000;
/** How long a session may be without a request, in ms. */
export const SESSION_IDLE_MS_MAX = 30 * 60_000;
/** The cookie is written again when it is older than this, so that not every answer carries one. */
const RENEW_MS = 60_000;
/** Sessions that were signed out of, kept until they would have ended: a team needs some hundred. */
const ENDED_MAX = 10_000;
const ID_BYTES = 16;
const PURPOSE = "console session";

/** A session as its cookie holds it. Times are ms since the epoch. */
interface SealedSession extends Session {
  id: string;
  startedAt: number;
  usedAt: number;
}

/** A session that a request carries. */
export interface OpenSession extends Session {
  /** A line of Set-Cookie for the answer; undefined: the browser's cookie is new enough. */
  renewal: string | undefined;
}

/**
 * Sessions in sealed cookies (AES-256-GCM), so that every replica opens them and no store is asked. They end after SESSION_MS_MAX, and after
 * SESSION_IDLE_MS_MAX without a request. Signing out removes the cookie, and this process refuses copies of it; other replicas would still take a copy
 * until it ends. Removing the key from its file ends all sessions everywhere.
 */
export interface Sessions {
  /** A line of Set-Cookie with a new session. What cookie the browser had before has no part in it. */
  begin(session: Session): string;
  /** Undefined: there is none, or it ended, or the cookie is not ours. */
  open(cookieHeader: string | undefined): OpenSession | undefined;
  /** The line of Set-Cookie that removes the cookie, and whose session it was. */
  end(cookieHeader: string | undefined): { cookie: string; session: Session | undefined };
}

export interface SessionParts {
  clock: Pick<Clock, "now">;
  /** The first seals, each opens. */
  keys(): readonly string[];
  isSecure: boolean;
}

export function createSessions({ clock, keys, isSecure }: SessionParts): Sessions {
  const spec: CookieSpec = { name: "carillon-console", sameSite: "Strict", isSecure };
  const ended = new LRUCache<string, true>({ max: ENDED_MAX });

  const lineOf = (session: SealedSession) =>
    setCookie(spec, sealToken(JSON.stringify(session), { purpose: PURPOSE, keys: keys() }), SESSION_IDLE_MS_MAX / 1_000);

  function read(header: string | undefined): SealedSession | undefined {
    const token = readCookie(header, spec);
    const text = token === undefined ? undefined : unsealToken(token, { purpose: PURPOSE, keys: keys() });
    const session = text === undefined ? undefined : sealedSession(parseJson(text));
    if (session === undefined || ended.has(session.id)) return undefined;
    const now = clock.now();
    return now - session.startedAt < SESSION_MS_MAX && now - session.usedAt < SESSION_IDLE_MS_MAX ? session : undefined;
  }

  return {
    begin({ name, role }) {
      const now = clock.now();
      return lineOf({ name, role, id: randomBytes(ID_BYTES).toString("base64url"), startedAt: now, usedAt: now });
    },
    open(header) {
      const session = read(header);
      if (session === undefined) return undefined;
      const now = clock.now();
      const renewal = now - session.usedAt >= RENEW_MS ? lineOf({ ...session, usedAt: now }) : undefined;
      return { name: session.name, role: session.role, renewal };
    },
    end(header) {
      const session = read(header);
      if (session !== undefined) ended.set(session.id, true);
      return { cookie: removeCookie(spec), session };
    },
  };
}

/** Undefined where it is not what this version writes. */
function sealedSession(value: unknown): SealedSession | undefined {
  const { id, name, role, startedAt, usedAt } = (value ?? {}) as Record<string, unknown>;
  const known = ROLES.find((one) => one === role);
  return typeof id === "string" && typeof name === "string" && known && typeof startedAt === "number" && typeof usedAt === "number"
    ? { id, name, role: known, startedAt, usedAt }
    : undefined;
}
