// Every relative link in a tracked .md file leads to a file or folder of this repository, and every anchor to a heading.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const ELSEWHERE = ["node_modules", ".git", ".cache", ".venv"];

/** Without code, in which brackets are no links. */
const prose = (markdown: string) => markdown.replace(/^```.*?^```/gms, "").replace(/`[^`\n]*`/g, "`");
/** As GitHub makes them: lower case, punctuation removed, spaces to hyphens; a repeated heading gets a number. */
function anchors(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const headings = markdown.replace(/^```.*?^```/gms, "").matchAll(/^#+ +(.*?) *#*$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) => {
      const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
      const slug = text
        .toLowerCase()
        .replace(/[^\p{Letter}\p{Number} _-]/gu, "")
        .replaceAll(" ", "-");
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${count}`;
    }),
  );
}

/** One line for every link of `path` that leads nowhere. */
function brokenLinks(path: string, markdown: string): string[] {
  return [...prose(markdown).matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].flatMap(([, link = ""]) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return [];
    const [target = "", anchor] = link.split("#");
    const file = target === "" ? path : relative(root, join(root, dirname(path), decodeURI(target)));
    if (file !== path && !existsSync(join(root, file))) return [`${path}: ${link}: no such file`];
    if (anchor === undefined || !file.endsWith(".md")) return [];
    const text = file === path ? markdown : readFileSync(join(root, file), "utf8");
    return anchors(text).has(anchor) ? [] : [`${path}: ${link}: no such heading`];
  });
}

test("every relative link in every .md file leads somewhere", () => {
  const paths = globSync("**/*.md", { cwd: root, exclude: (name) => ELSEWHERE.includes(name) });
  assert.ok(paths.length >= 15, `only ${paths.length} files were found`);
  assert.deepEqual(
    paths.sort().flatMap((path) => brokenLinks(path, readFileSync(join(root, path), "utf8"))),
    [],
  );
});

test("a broken link is noticed, and what is no link is not", () => {
  const page =
    "# One two\n[a](gone.md) [b](#one-two) [c](#three) [d](README.md#nowhere) [e](https://example.com/x)\n`[f](gone.md)`\n```\n[g](gone.md)\n```\n";
  assert.deepEqual(brokenLinks("page.md", page), [
    "page.md: gone.md: no such file",
    "page.md: #three: no such heading",
    "page.md: README.md#nowhere: no such heading",
  ]);
  assert.deepEqual([...anchors("# `SMS` & e-mail, at 5 s\n## A\n## A\n")], ["sms--e-mail-at-5-s", "a", "a-1"]);
});
