import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { V8_OPTIONS } from "../support/node-arguments.ts";
import { contextFiles, createIgnore, parseDockerfile, reachedFrom, readDockerfile, root } from "./layout.ts";

const ENTRY = "cli/carillon.ts";
/** In the image, though no file imports them: what npm reads, what the build runs, and generated code, which comes as a whole. */
const NOT_IMPORTED = /^(LICENSE|package(-lock)?\.json|cli\/load-all\.ts|gen\/.*)$/;
const files = contextFiles();
const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };

test("every file that a role or command may load is in the image, and every package is one it is installed with", () => {
  const present = new Set(files);
  const reached = reachedFrom(ENTRY, { types: false });
  const missing = [...reached.files].filter(([path]) => !present.has(path)).map(([path, from]) => `${path}, imported by ${from}`);
  assert.deepEqual(missing, []);
  const foreign = [...reached.packages].filter(([name]) => dependencies[name] === undefined);
  assert.deepEqual(foreign, []);
  assert.ok(reached.files.size > 150, `only ${reached.files.size} files were reached`);
  for (const needed of ["package.json", "gen/carillon.binpb", "adapters/redis/claims.lua"]) assert.ok(present.has(needed), needed);
});

test("every file in the image is one that the program imports, and every package one that it loads", () => {
  const used = reachedFrom(ENTRY, { types: true }).files;
  assert.deepEqual(
    files.filter((path) => !used.has(path) && !NOT_IMPORTED.test(path)),
    [],
  );
  const loaded = reachedFrom(ENTRY, { types: false }).packages;
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => !loaded.has(name)),
    [],
  );
});

test("tests, docs and what is not the program stay outside", () => {
  const outside = files.filter((path) =>
    /\.test\.ts$|\/test\/|\.md$|^(test|docs|deploy|scripts|proto|examples|node_modules|\.git)\//.test(path),
  );
  assert.deepEqual(outside, []);
});

test("the image starts the program directly, as an unprivileged user, without a shell", () => {
  const last = readDockerfile().at(-1)!.instructions;
  const of = (name: string) => last.filter((i) => i.name === name).map((i) => i.rest);
  assert.deepEqual(
    of("ENTRYPOINT").map((words) => JSON.parse(words) as unknown),
    [["node", ...V8_OPTIONS, "/app/cli/carillon.ts"]],
  );
  assert.deepEqual(of("USER"), ["65532:65532"]);
  assert.deepEqual(of("RUN"), []);
  for (const label of ["title", "licenses", "version", "revision"])
    assert.match(of("LABEL").join(), new RegExp(`opencontainers.image.${label}=`));
});

test("the program runs with the same options of V8 wherever it is started, or what one start leaves in the compile cache is of no use to the next", () => {
  const commands = ["bin/carillon", "scripts/setup", "deploy/docker/Dockerfile", "deploy/helm/carillon/templates/_pod.tpl"].flatMap(
    (path) =>
      readFileSync(join(root, path), "utf8")
        .split("\n")
        .filter((line) => /^[^#]*\bnode\b.*cli\/(carillon|load-all)\.ts/.test(line))
        .map((line) => ({ path, line, options: line.match(/--no-[a-z-]+/g) ?? [] })),
  );
  assert.equal(commands.length, 5);
  for (const { path, line, options } of commands) assert.deepEqual(options, V8_OPTIONS, `${path}: ${line}`);
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
