import { BRAND_PATH, type BrandLinks } from "../adapters/page-links.ts";
import type { Brand } from "../core/apps/brand.ts";
import type { AppStore } from "../core/ports/app-store.ts";
import { sha256 } from "../runtime/hash.ts";
import type { HttpResponse, Route } from "../runtime/http/server.ts";
import { inLanguage, type Language } from "./pages/language.ts";
import type { BrandView } from "./pages/layout.ts";

/** Another brand has other URLs. */
const CACHED_S = 86_400;
const VERSION_CHARS = 12;
const COMMON = { "cache-control": `public, max-age=${CACHED_S}`, "x-content-type-options": "nosniff" };
/** For who opens a logo by its own URL: it is a picture, and runs nothing. */
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

/** /brand/<id>/style.css and /brand/<id>/logo, below each base. 404 for whatever is not there, also while the store is away. */
export function createBrandRoutes({ links, apps }: { links: BrandLinks; apps: Pick<AppStore, "find"> }, bases: readonly string[]): Route[] {
  return bases.map((base) => {
    const own = `${base}${BRAND_PATH}`;
    return {
      method: "GET",
      path: `${own}*`,
      async handle({ path }) {
        const [id = "", file] = path.slice(own.length).split("/");
        const app = links.appIn(id);
        const brand =
          app === undefined
            ? undefined
            : await apps.find(app).then(
                (found) => found?.brand,
                () => undefined,
              );
        return (brand && fileOf(brand, file)) ?? NOT_FOUND;
      },
    };
  });
}

const NOT_FOUND: HttpResponse = { status: 404, body: "not found\n", headers: { "content-type": "text/plain; charset=utf-8" } };

function fileOf({ colors, logo }: Brand, file: string | undefined): HttpResponse | undefined {
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
