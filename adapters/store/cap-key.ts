import type { CapPlace } from "../../core/ports/cap-store.ts";
import { sha256 } from "../../runtime/hash.ts";

/** Names a window of a user and a category. A hash, so that no user's id is kept with it and nothing is left to erase. */
export const capKey = ({ app, subject, category, window }: CapPlace): string =>
  sha256("cap", app, subject, category, String(window.from), String(window.until));
