import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configurationPage } from "./config-table.ts";

test("docs/configuration.md is what `carillon config --all` prints", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/configuration.md"), "utf8");
  assert.equal(page, await configurationPage(), "run `node cli/carillon.ts config --all > docs/configuration.md`");
});
