import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { createClientFiles } from "./client-files.ts";

function folderWith(files: Record<string, string>) {
  const directory = mkdtempSync(join(tmpdir(), "carillon-web-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return { path: "/page/", folder: pathToFileURL(`${directory}/`), [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

test("serves TypeScript without its types, and packages by their paths", () => {
  using mount = folderWith({
    "a.ts": 'import { h } from "preact";\nimport type { B } from "./b.ts";\nexport const a: B = h("p", { class: "from" }, "import");\n',
  });
  const files = createClientFiles([mount]);
  const file = files("/page/a.ts");
  assert.equal(file?.headers["content-type"], "text/javascript; charset=utf-8");
  assert.match(file?.body ?? "", /^import \{ h \} from "\/web\/packages\/preact\.js";/);
  assert.doesNotMatch(file?.body ?? "", /b\.ts|: B/);
  for (const name of ["preact.js", "preact-hooks.js", "htm.js"]) {
    const found = files(`/web/packages/${name}`);
    assert.ok(found, name);
    assert.doesNotMatch(found.body, /from\s*"preact"|sourceMappingURL/);
  }
});

test("refuses to serve a page whose import no browser could load", () => {
  using mount = folderWith({ "a.ts": 'import { x } from "lodash";\n' });
  const files = createClientFiles([mount]);
  assert.throws(() => files("/page/a.ts"), /imports lodash, which is not in PACKAGE_FILES/);
});

test("serves what is in its folders and nothing else, with headers that allow nothing from elsewhere", () => {
  using mount = folderWith({ "a.css": "p {}", "secret.json": "{}", "a.test.ts": "" });
  const files = createClientFiles([mount]);
  for (const path of [
    "/page/",
    "/page/secret.json",
    "/page/a.test.ts",
    "/page/../package.json",
    "/web/client/../server/client-files.ts",
    "/web/server/same-site.ts",
    "__proto__",
  ])
    assert.equal(files(path), undefined, path);
  assert.match(files("/page/a.css")?.headers["content-security-policy"] ?? "", /^default-src 'self';/);
  assert.match(files("/web/styles/tokens.css")?.body ?? "", /--accent:/);
});

test("every file of the kit can be served, without a warning of Node's", (t) => {
  const warn = t.mock.method(process, "emitWarning");
  using mount = folderWith({});
  const files = createClientFiles([mount]);
  for (const name of ["html", "load", "live", "keys", "tabs", "time", "brand-mark"]) assert.ok(files(`/web/client/${name}.ts`), name);
  assert.equal(warn.mock.callCount(), 0);
});
