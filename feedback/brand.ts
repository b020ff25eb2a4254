import { BRAND_PATH, type BrandLinks } from "../adapters/page-links.ts";
import { createAppReader } from "../adapters/store/app-reader.ts";
import type { Brand } from "../core/apps/brand.ts";
import type { AppStore } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import { sha256 } from "../runtime/hash.ts";
import type { HttpResponse, Route } from "../runtime/http/server.ts";
import type { InFlight } from "./page-guard.ts";
import { inLanguage, type Language } from "./pages/language.ts";
import type { BrandView } from "./pages/layout.ts";

/** How long browsers may cache a brand's files, in seconds: a changed brand has other URLs. */
const CACHED_S = 86_400;
const VERSION_CHARS = 12;
/** Brands kept between requests: 2 MB where each has the largest logo. */
const BRANDS_MAX = 100;
const COMMON = { "cache-control": `public, max-age=${CACHED_S}`, "x-content-type-options": "nosniff" };
/** For whoever opens a logo by its own URL: an SVG must not run anything. */
const LOGO_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/** An app as its recipients' pages show it; the app's id only where it has no name. */
export function brandOf(app: string, brand: Brand | undefined, language: Language, links: BrandLinks): BrandView {
  const name = inLanguage(brand?.names ?? {}, language) ?? app;
  const id = brand && links.idOf(app, versionOf(brand));
  if (brand === undefined || id === undefined) return { name };
  const at = `..${BRAND_PATH}${id}`;
  return { name, styles: brand.colors && `${at}/style.css`, logo: brand.logo && `${at}/logo` };
}

const versionOf = (brand: Brand) => sha256("brand", JSON.stringify(brand)).slice(0, VERSION_CHARS);

export interface BrandRouteParts {
  links: BrandLinks;
  apps: Pick<AppStore, "find">;
  clock: Pick<Clock, "monotonic" | "after">;
  inFlight: InFlight;
}

/**
 * /brand/<id>/style.css and /brand/<id>/logo, below each base. 404 for whatever is not there, also while the store is away; 503 where there is no room for
 * a read.
 */
export function createBrandRoutes({ links, apps, clock, inFlight }: BrandRouteParts, bases: readonly string[]): Route[] {
  const read = createAppReader(apps, clock, (app) => app?.brand, BRANDS_MAX);

  async function brandFile(app: string, id: string, file: BrandFile): Promise<HttpResponse> {
    const brand = await read(app).catch(() => undefined);
    const found = brand && fileOf(brand, file);
    if (brand === undefined || found === undefined) return NOT_FOUND;
    // The brand as it was before, or is by now: browsers must not keep it for the one that the URL names.
    const isNamed = links.idOf(app, versionOf(brand)) === id;
    return isNamed ? found : { ...found, headers: { ...found.headers, "cache-control": "no-store" } };
  }

  return bases.map((base) => {
    const own = `${base}${BRAND_PATH}`;
    return {
      method: "GET",
      path: `${own}*`,
      async handle({ path }) {
        const [id = "", name] = path.slice(own.length).split("/");
        const file = BRAND_FILES.find((one) => one === name);
        const app = file && links.appIn(id);
        if (file === undefined || app === undefined) return NOT_FOUND;
        return (await inFlight(() => brandFile(app, id, file))) ?? NO_ROOM;
      },
    };
  });
}

const BRAND_FILES = ["style.css", "logo"] as const;
type BrandFile = (typeof BRAND_FILES)[number];

const PLAIN = { "content-type": "text/plain; charset=utf-8" };
const NOT_FOUND: HttpResponse = { status: 404, body: "not found\n", headers: PLAIN };
const NO_ROOM: HttpResponse = { status: 503, body: "too many requests at once\n", headers: { ...PLAIN, "retry-after": "60" } };

function fileOf({ colors, logo }: Brand, file: BrandFile): HttpResponse | undefined {
  if (file === "style.css" && colors) {
    const { background, text, mark, markDark } = colors;
    const body = `:root {
  --brand: ${background};
  --on-brand: ${text};
  --brand-mark: ${mark};
}
@media (prefers-color-scheme: dark) {
  :root {
    --brand: ${background};
    --brand-mark: ${markDark};
  }
}
`;
    return { status: 200, body, headers: { ...COMMON, "content-type": "text/css; charset=utf-8" } };
  }
  if (file !== "logo" || !logo) return undefined;
  const headers = { ...COMMON, "content-type": logo.type, "content-security-policy": LOGO_POLICY };
  return { status: 200, body: Buffer.from(logo.base64, "base64"), headers };
}
