import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApi, readApi } from "./document.ts";
import { apiPage } from "./page.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples/http-json.json");

/** Writes openapi.json and api.html beside the carillon.binpb in `folder`. */
export function writeApiDocuments(folder: string): void {
  const api = readApi(readFileSync(join(folder, "carillon.binpb")), JSON.parse(readFileSync(EXAMPLES, "utf8")) as Record<string, unknown>);
  writeFileSync(join(folder, "openapi.json"), `${JSON.stringify(openApi(api), null, 1)}\n`);
  writeFileSync(join(folder, "api.html"), apiPage(api));
}
