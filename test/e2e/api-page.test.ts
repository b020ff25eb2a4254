// The page and the document of the HTTP/JSON port tell the truth: every example is sent, and every answer is one that the document describes.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { putFile } from "../../cli/gateway/put-blob.ts";
import { apiSchemas } from "../support/api-schemas.ts";
import { startSystem, type TestSystem } from "../support/system.ts";

const root = join(import.meta.dirname, "../..");
const directory = mkdtempSync(join(tmpdir(), "carillon-api-page-"));
const erasureKey = join(directory, "erasure-key");
writeFileSync(erasureKey, randomBytes(32).toString("base64url"), { mode: 0o600 });

let system: TestSystem;
before(async () => {
  system = await startSystem({ ERASURE_KEY_FILE: erasureKey });
});
after(async () => {
  await system?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const CURL = /curl \$CARILLON(\/\S+) .*?-d '(.*?)'<\/pre>/gs;
const unescaped = (text: string) => text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

async function send(path: string, body: string) {
  const response = await fetch(`${system.httpUrl}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${system.apiKey}`, "content-type": "application/json" },
    body,
  });
  return { status: response.status, json: (await response.json()) as unknown };
}

test("every example of the page is a call that is answered as the document says", async () => {
  const file = join(directory, "hello");
  writeFileSync(file, "hello");
  await putFile(system.clients.blobs, file);
  const page = unescaped(await (await fetch(`${system.httpUrl}/docs`)).text());
  const schemas = await apiSchemas(await (await fetch(`${system.httpUrl}/openapi.json`)).json());
  const sent: string[] = [];
  for (const [, path = "", body = ""] of page.matchAll(CURL)) sent.push(path, body);
  const order = Object.keys(JSON.parse(readFileSync(join(root, "examples/http-json.json"), "utf8")) as object);
  const calls = order.map((name) => `/carillon.v1.${name}`).map((path) => [path, sent[sent.indexOf(path) + 1] ?? ""] as const);
  assert.equal(sent.length, 2 * calls.length, "each once");
  for (const [path, body] of calls) {
    const { request, answer } = schemas.ofPath(path);
    assert.deepEqual(request(JSON.parse(body)), [], path);
    const { status, json } = await send(path, body);
    assert.equal(status, 200, `${path}: ${JSON.stringify(json)}`);
    assert.deepEqual(answer(json), [], path);
  }
  const error = await send("/carillon.v1.NotificationService/SendNotification", "{}");
  assert.deepEqual([error.status, schemas.error(error.json)], [400, []]);
});

test("anybody may read the page; it runs nothing, loads nothing, and nobody may frame it", async () => {
  const response = await fetch(`${system.httpUrl}/`);
  const page = await response.text();
  assert.equal(response.status, 200);
  assert.match(
    response.headers.get("content-security-policy") ?? "",
    /^default-src 'none'; style-src 'sha256-[^']+'; .*frame-ancestors 'none'$/,
  );
  assert.doesNotMatch(page, /<script|<link|<img|\sstyle=|\son\w+=|url\(/i);
  const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, href = ""]) => href);
  const ids = new Set([...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => `#${id}`));
  assert.deepEqual(
    links.filter((href) => !ids.has(href)),
    ["https://connectrpc.com/docs/protocol", "/openapi.json"],
  );
  assert.equal((await fetch(`${system.httpUrl}/`, { method: "POST" })).status, 404);
});

const HEADER = /-H "([^:]+): ([^"]+)"/g;

test("the commands of docs/http-json.md and of the README are answered", async () => {
  const text = ["docs/http-json.md", "README.md"].map((path) => readFileSync(join(root, path), "utf8")).join("\n");
  const commands = [...text.matchAll(/^```sh\n(curl [^`]*)```$/gm)].map(([, command = ""]) => command);
  assert.equal(commands.length, 5);
  for (const command of commands) {
    const [, path = ""] = /\$CARILLON(\S+)/.exec(command) ?? [];
    const headers = Object.fromEntries(
      [...command.matchAll(HEADER)].map(([, name = "", value = ""]) => [name, value.replace("$KEY", system.apiKey)]),
    );
    const [, body] = /-d '([^']*)'/.exec(command) ?? [];
    const query = new URLSearchParams();
    for (const [, name = "", value = ""] of command.matchAll(/--data-urlencode '(\w+)=([^']*)'/g)) query.set(name, value);
    const url = `${system.httpUrl}${path}${body === undefined ? `?${query}` : ""}`;
    const response = await fetch(url, { headers, ...(body !== undefined && { method: "POST", body }) });
    assert.equal(response.status, 200, `${command}\n${await response.text()}`);
  }
});
