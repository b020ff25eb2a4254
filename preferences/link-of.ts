import type { PageLinks } from "../adapters/page-links.ts";
import type { Clock } from "../core/ports/clock.ts";
import { pageEndsAt } from "../core/preferences/unsubscribe-token.ts";
import type { LinkOf } from "./preference-handlers.ts";

/** Links to the page where people choose, from now on. @param base public URL of feedback; "": there are no links */
export const createLinkOf =
  (pages: PageLinks, base: string, clock: Pick<Clock, "now">): LinkOf =>
  (of) => {
    // As the token keeps it.
    const issuedAt = Math.floor(clock.now() / 1_000) * 1_000;
    const path = base === "" ? undefined : pages.pathOf({ ...of, issuedAt });
    return path === undefined ? undefined : { url: `${base}${path}`, expiresAt: pageEndsAt(issuedAt) };
  };
