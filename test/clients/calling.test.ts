// README.md, docs/calling.md and docs/clients.md show what the programs in examples/clients do, and what our own services do.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SERVICE_CONFIG } from "../../runtime/grpc/client.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
/** Without indentation and empty lines; the client's folder as seen from the repository's root. */
const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim().replace(/"[./]*\/clients\/typescript/, '"./clients/typescript'))
    .filter((line) => line !== "");
const blocks = (page: string, language: string) =>
  [...read(page).matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(([, text]) => lines(text ?? ""));
const block = (page: string, language: string) => blocks(page, language)[0] ?? assert.fail(`${page} shows no ${language}`);
/** The address and the key, which a reader replaces. */
const readersOwn = (line: string) => /127\.0\.0\.1:7700|4711/.test(line);

for (const [language, program] of [
  ["ts", "examples/clients/node/client.ts"],
  ["go", "examples/clients/go/main.go"],
  ["python", "examples/clients/python/client.py"],
  ["java", "examples/clients/java/src/main/java/Client.java"],
] as const) {
  test(`docs/calling.md shows lines of the ${language} program that the tests run`, () => {
    assert.ok(lines(read(program)).join("\n").includes(block("docs/calling.md", language).join("\n")));
  });

  test(`the README shows lines of the ${language} program that the tests run, in their order`, () => {
    let rest = lines(read(program));
    for (const line of block("README.md", language)) {
      if (readersOwn(line)) continue;
      const at = rest.indexOf(line);
      assert.notEqual(at, -1, `not in ${program}, or not in this order: ${line}`);
      rest = rest.slice(at + 1);
    }
  });
}

test("docs/clients.md names the versions that the examples pin", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  const named = [...read("docs/clients.md").matchAll(/(@?[\w/.-]+)@(\d[\w.]*)/g)].map(([, name = "", version]) => [name, version]);
  assert.ok(named.length >= 5);
  for (const [name = "", version] of named) assert.equal(version, { ...dependencies, ...devDependencies }[name], name);
});

test("the Java test fetches the versions that pom.xml pins", () => {
  const jars = new Map(lines(read("test/clients/java.txt")).map((line) => line.split(" ").slice(1) as [string, string]));
  const pom = read("examples/clients/java/pom.xml").replace(
    /\$\{([\w.]+)\}/g,
    (_, name) => new RegExp(`<${name}>(.*?)<`).exec(read("examples/clients/java/pom.xml"))?.[1] ?? "",
  );
  const pinned = [
    ...(/<dependencies>.*<\/dependencies>/s.exec(pom)?.[0] ?? "").matchAll(/<artifactId>(.*)<\/artifactId>\s*<version>(.*)<\/version>/g),
  ];
  assert.equal(pinned.length, 5);
  for (const [, name = "", version] of pinned) assert.equal(jars.get(name), version, name);
});

test("the service config shown is the file's, and the same as in our own services, except for the deadline, which these set per call", () => {
  const file = read("examples/service-config.json");
  assert.deepEqual(block("docs/calling.md", "json"), lines(file));
  const { methodConfig, ...rest } = JSON.parse(file) as { methodConfig: { timeout: string }[] };
  const [{ timeout, ...method }] = methodConfig as [{ timeout: string }];
  assert.equal(timeout, "10s");
  assert.deepEqual({ ...rest, methodConfig: [method] }, JSON.parse(SERVICE_CONFIG));
});
