import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

/** Packages that pages import, and the paths below PACKAGES at which they are served. Nothing is bundled. */
const PACKAGE_FILES: Readonly<Record<string, string>> = { preact: "preact.js", "preact/hooks": "preact-hooks.js", htm: "htm.js" };
const PACKAGES = "/web/packages/";

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  // Stripped of its types: what a browser gets is JavaScript.
  ts: "text/javascript; charset=utf-8",
};

/**
 * Everything from here and nothing inline: neither a script nor a style that was smuggled into a page runs, and nothing is fetched from or sent to
 * elsewhere.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  // Read again at each load: after an upgrade no page has one half of each version.
  "cache-control": "no-cache",
};

export interface ClientFile {
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** A folder, with all that is directly in it, and the path below which it is served. */
export interface Mount {
  path: string;
  folder: URL;
}

/** The kit that every page shares. */
const KIT: readonly Mount[] = [
  { path: "/web/client/", folder: new URL("../client/", import.meta.url) },
  { path: "/web/styles/", folder: new URL("../styles/", import.meta.url) },
];

/**
 * Finds the files of pages by their path. Each file is read once, at its first request: programs that show no page pay nothing. Only files that were in
 * the folders then are served, whatever a path says.
 */
export function createClientFiles(mounts: readonly Mount[]): (path: string) => ClientFile | undefined {
  let files: ReadonlyMap<string, () => ClientFile> | undefined;
  const read = new Map<string, ClientFile>();
  return (path) => {
    files ??= filesOf([...KIT, ...mounts]);
    const found = read.get(path) ?? files.get(path)?.();
    if (found !== undefined) read.set(path, found);
    return found;
  };
}

function filesOf(mounts: readonly Mount[]): Map<string, () => ClientFile> {
  const files = new Map<string, () => ClientFile>();
  for (const { path, folder } of mounts)
    for (const name of readdirSync(folder)) {
      const type = TYPES[name.split(".").at(-1) ?? ""];
      if (type !== undefined && !name.includes(".test.")) files.set(path + name, () => fileOf(new URL(name, folder), path + name, type));
    }
  for (const [name, file] of Object.entries(PACKAGE_FILES))
    files.set(PACKAGES + file, () => fileOf(new URL(import.meta.resolve(name)), PACKAGES + file, TYPES.js!));
  return files;
}

function fileOf(url: URL, path: string, type: string): ClientFile {
  const text = readFileSync(url, "utf8");
  const body = type === TYPES.js ? resolveImports(url.pathname.endsWith(".ts") ? stripTypes(text) : text, path) : text;
  return { headers: { ...PAGE_HEADERS, "content-type": type }, body };
}

/** An import or export of a package, from its keyword on; between the keyword and the name stand no quotes, so no text of the file is taken for one. */
const PACKAGE_IMPORT = /(?<=^|[;}\n])(\s*(?:import|export)\b(?:[\w\s{},*$]*\bfrom\b)?\s*)"([^"./][^"]*)"/g;

/**
 * Packages by the paths at which they are served: an import map would have to stand in the page as an inline script. Throws where a file of our own
 * imports any other package.
 */
function resolveImports(script: string, path: string): string {
  return script
    .replace(PACKAGE_IMPORT, (_, before: string, name: string) => {
      const file = PACKAGE_FILES[name];
      if (file === undefined) throw new Error(`${path} imports ${name}, which is not in PACKAGE_FILES`);
      return `${before}"${PACKAGES}${file}"`;
    })
    .replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
}

/** Node warns once that this function may change; the tests of the pages would notice. */
function stripTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}
