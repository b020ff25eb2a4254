import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HttpResponse } from "../../runtime/http/listener.ts";

const GEN = join(import.meta.dirname, "../../gen");
/** How long a browser may go on showing them after an upgrade has changed them, in seconds. */
const CACHED_S = 3_600;
const HEADERS = { "cache-control": `public, max-age=${CACHED_S}`, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };

/** What the HTTP/JSON port serves without an API key, by path: the API as a page and as an OpenAPI document, which scripts/openapi/ writes. */
export function apiDocuments(): ReadonlyMap<string, HttpResponse> {
  const page = readFileSync(join(GEN, "api.html"), "utf8");
  const style = /<style>(.*)<\/style>/s.exec(page)?.[1] ?? "";
  // The page loads nothing, runs no script, has only its own style, and cannot be framed.
  const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  const shown: HttpResponse = {
    status: 200,
    headers: { ...HEADERS, "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
    body: page,
  };
  const document: HttpResponse = {
    status: 200,
    headers: { ...HEADERS, "content-type": "application/json" },
    body: readFileSync(join(GEN, "openapi.json")),
  };
  return new Map([
    ["/", shown],
    ["/docs", shown],
    ["/openapi.json", document],
  ]);
}
