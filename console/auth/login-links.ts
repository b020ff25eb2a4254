import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/ports/clock.ts";
import { sha256Hex } from "../../runtime/hash.ts";

/** From printing a link to using it: somebody switches from the terminal to the browser. */
export const LINK_MS = 5 * 60_000;
/** Links that wait to be used; a new one beyond it replaces the oldest. */
const LINKS_MAX = 16;
const TOKEN_BYTES = 32;
export const LINK_PATH = "/login/link/";
const TOKEN = /^[\w-]{43}$/;

/** One-time links of a console on this machine. This process keeps their hashes alone. */
export interface LoginLinks {
  /** Path of a new link. */
  create(): string;
  /** Whether a path has the form of a link; it says nothing of whether the link is valid. */
  isLink(path: string): boolean;
  /** Uses the link up: true once, within LINK_MS. */
  use(path: string): boolean;
}

export function createLoginLinks(clock: Pick<Clock, "monotonic">): LoginLinks {
  /** When each ends, by the hash of its token, oldest first. */
  const ends = new Map<string, number>();
  const tokenOf = (path: string) => {
    const token = path.startsWith(LINK_PATH) ? path.slice(LINK_PATH.length) : "";
    return TOKEN.test(token) ? token : undefined;
  };
  return {
    create() {
      const [oldest] = ends.keys();
      if (oldest !== undefined && ends.size >= LINKS_MAX) ends.delete(oldest);
      const token = randomBytes(TOKEN_BYTES).toString("base64url");
      ends.set(sha256Hex(token), clock.monotonic() + LINK_MS);
      return LINK_PATH + token;
    },
    isLink: (path) => tokenOf(path) !== undefined,
    use(path) {
      const token = tokenOf(path);
      if (token === undefined) return false;
      const hash = sha256Hex(token);
      const end = ends.get(hash);
      ends.delete(hash);
      return end !== undefined && clock.monotonic() < end;
    },
  };
}
