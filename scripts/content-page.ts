import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FIELD_SECTIONS } from "../providers/content-fields/list.ts";
import { contentPage } from "../providers/content-fields/page.ts";

/** docs/content.md: `write` writes it, `fresh` fails where it is not what would be written. */
const page = join(import.meta.dirname, "../docs/content.md");
const text = contentPage(FIELD_SECTIONS);

switch (process.argv[2]) {
  case "write":
    writeFileSync(page, text);
    break;
  case "fresh":
    if (readFileSync(page, "utf8") !== text) {
      console.error("docs/content.md is not what its rows say: run node scripts/content-page.ts write");
      process.exitCode = 1;
    }
    break;
  default:
    console.error("usage: node scripts/content-page.ts write|fresh");
    process.exitCode = 2;
}
