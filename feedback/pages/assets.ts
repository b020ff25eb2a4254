import { readFileSync } from "node:fs";
import type { Route } from "../../runtime/http/server.ts";

/** The style sheets of the recipients' pages, in their order. */
const SHEETS = {
  "tokens.css": readFileSync(new URL("../../web/styles/tokens.css", import.meta.url), "utf8"),
  "base.css": readFileSync(new URL("../../web/styles/base.css", import.meta.url), "utf8"),
  "preferences.css": readFileSync(new URL("./assets/preferences.css", import.meta.url), "utf8"),
};
/** As pages refer to them, which are one folder below the public URL: a proxy may cut off that URL's path. */
export const STYLE_SHEETS: readonly string[] = Object.keys(SHEETS).map((name) => `../assets/${name}`);

/** An hour: after an upgrade pages look as before for no longer. */
const CACHED_S = 3_600;

/** @param base what precedes them in the request's path */
export const assetRoutes = (base: string): Route[] =>
  Object.entries(SHEETS).map(([name, body]) => ({
    method: "GET",
    path: `${base}/assets/${name}`,
    handle: async () => ({
      status: 200,
      body,
      headers: {
        "content-type": "text/css; charset=utf-8",
        "cache-control": `public, max-age=${CACHED_S}`,
        "x-content-type-options": "nosniff",
      },
    }),
  }));
