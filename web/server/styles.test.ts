import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");

/** Names in class attributes, and in texts that are nothing but names: `state ${isOpen ? "wait" : "ok"}`. */
function namesIn(text: string): string[] {
  const found = text.matchAll(/class=(?:"([^"]*)"|\$\{(.*?)\}[ >/])|["`]([\w -]+)["`]/g);
  return [...found].flatMap(([, ...parts]) => parts.join(" ").match(/[\w-]+/g) ?? []);
}

test("every class of components.css is on a page", () => {
  const paths = globSync(["{web,console,sandbox/inbox}/**/*.ts", "{console,sandbox/inbox}/*.html"], { cwd: root });
  const used = new Set(
    paths.filter((path) => !path.endsWith(".test.ts")).flatMap((path) => namesIn(readFileSync(join(root, path), "utf8"))),
  );
  assert.ok(used.has("panel"), `no class was found in ${paths.length} files`);
  const css = readFileSync(join(root, "web/styles/components.css"), "utf8").replaceAll(/\/\*.*?\*\/|\{[^{}]*\}/gs, "{}");
  const classes = new Set([...css.matchAll(/\.([a-z][\w-]*)/gi)].map(([, name]) => name!));
  assert.ok(classes.size > 50, `only ${classes.size} classes were found`);
  assert.deepEqual([...classes.difference(used)], []);
});
