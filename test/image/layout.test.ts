import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, posix } from "node:path";
import { test } from "node:test";
import { contextFiles, createIgnore, parseDockerfile, readDockerfile, root } from "./layout.ts";

const files = contextFiles();

test("every file that a role or command may load is in the image, and every package is one it is installed with", () => {
  const present = new Set(files);
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  const [failpoint, faults] = [new Set<string>(), [] as string[]];
  const visit = (path: string, from: string) => {
    if (failpoint.has(path)) return;
    failpoint.add(path);
    if (!present.has(path)) return void faults.push(`${path}, which ${from} loads, is not in the image`);
    if (!path.endsWith(".ts")) return;
    const text = readFileSync(join(root, path), "utf8");
    for (const { 1: target = "" } of text.matchAll(
      /^(?!import type|export type).*?(?:\bfrom |\bimport\(|^import |new URL\((?="\.))"([^"\s]+)"/gm,
    )) {
      if (target.startsWith(".")) visit(posix.join(posix.dirname(path), target), path);
      else if (/^(node:|https?:)/.test(target) || builtinModules.includes(target)) continue;
      else {
        const name = target
          .split("/")
          .slice(0, target.startsWith("@") ? 2 : 1)
          .join("/");
        if (dependencies[name] === undefined) faults.push(`${path} loads ${name}, which is no dependency`);
      }
    }
  };
  visit("cli/carillon.ts", "the entry point");
  assert.deepEqual(faults, []);
  assert.ok(failpoint.size > 150, `only ${failpoint.size} files were reached`);
  for (const needed of ["package.json", "gen/carillon.binpb", "adapters/redis/claims.lua"]) assert.ok(present.has(needed), needed);
});

test("tests, docs and what is not the program stay outside", () => {
  const outside = files.filter((path) => /\.test\.ts$|\.md$|^(test|docs|deploy|scripts|proto|examples|node_modules|\.git)\//.test(path));
  assert.deepEqual(outside, []);
});

test("the image starts the program itself, as nobody, without a shell", () => {
  const last = readDockerfile().at(-1)!.instructions;
  const of = (name: string) => last.filter((i) => i.name === name).map((i) => i.rest);
  assert.deepEqual(of("ENTRYPOINT"), ['["node", "/app/cli/carillon.ts"]']);
  assert.deepEqual(of("USER"), ["65532:65532"]);
  assert.deepEqual(of("RUN"), []);
  for (const label of ["title", "licenses", "version", "revision"])
    assert.match(of("LABEL").join(), new RegExp(`opencontainers.image.${label}=`));
});

test("an ignore file's last match decides, for a folder and what is below it", () => {
  const ignored = createIgnore("# a comment\n*\n!core\n!gen/\n**/*.test.ts\n");
  assert.deepEqual(
    ["README.md", "docs/a.md", "core/a.ts", "core/deep/a.ts", "gen/a", "core/a.test.ts", "core/deep/a.test.ts"].map(ignored),
    [true, true, false, false, false, true, true],
  );
});

test("a Dockerfile is read by stages, with continued lines as one", () => {
  assert.deepEqual(parseDockerfile("ARG A=1\nFROM x AS one\nRUN a && \\\n    b\n# no\nFROM y\nUSER 1\n"), [
    { name: "one", instructions: [{ name: "RUN", rest: "a && b" }] },
    { name: "", instructions: [{ name: "USER", rest: "1" }] },
  ]);
});
