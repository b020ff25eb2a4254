import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { useHttpServers } from "../../test/support/http-servers.ts";
import { ROLES, type Role } from "../session.ts";
import { protectRoutes, type SessionRoute } from "./protect.ts";
import { returnPath } from "./return-path.ts";
import { sameOrigin } from "./same-origin.ts";
import { createSessions } from "./sessions.ts";

const { serve } = useHttpServers();
const clock = createFakeClock();
const sessions = createSessions({ clock, keys: () => ["a key of the console, of many characters"], isSecure: false });
const cookieOf = (role: Role) => sessions.begin({ name: "ada", role }).split(";")[0]!;
const publicUrl = "https://console.example.com";
const route = (method: "GET" | "POST", path: string): SessionRoute => ({
  ...{ method, path, bodyBytesMax: 100 },
  handle: async (_, { name }) => ({ status: 200, body: name }),
});
const TABLE: Readonly<Record<string, Role>> = { "GET /api/a": "viewer", "GET /api/b": "support", "POST /api/c": "operator" };
const ROUTES = [route("GET", "/api/a"), route("GET", "/api/b"), route("POST", "/api/c")];

test("each role may call what its row says, and what lower roles may", async () => {
  const url = await serve({ routes: protectRoutes(ROUTES, { sessions, roles: TABLE, publicUrl }) });
  for (const [key, least] of Object.entries(TABLE)) {
    const [method = "", path = ""] = key.split(" ");
    const headers = { origin: publicUrl, "content-type": "application/json", connection: "close" };
    const call = (more = {}) => fetch(url + path, { method, headers: { ...headers, ...more } });
    assert.equal((await call()).status, 401);
    for (const role of ROLES) {
      const { status } = await call({ cookie: cookieOf(role) });
      assert.equal(status, ROLES.indexOf(role) >= ROLES.indexOf(least) ? 200 : 403, `${key} as ${role}`);
    }
  }
});

test("no route may let a browser or a proxy keep its answer", async () => {
  const kept: SessionRoute = {
    ...route("GET", "/api/a"),
    handle: async () => ({ status: 200, headers: { "cache-control": "public, max-age=60", "x-content-type-options": "" }, body: "a mail" }),
  };
  const url = await serve({ routes: protectRoutes([kept], { sessions, roles: { "GET /api/a": "viewer" }, publicUrl }) });
  const { headers } = await fetch(`${url}/api/a`, { headers: { cookie: cookieOf("viewer"), connection: "close" } });
  assert.deepEqual([headers.get("cache-control"), headers.get("x-content-type-options")], ["no-store", "nosniff"]);
});

test("a POST from elsewhere, or not as JSON, is refused before its body is read", async () => {
  const url = await serve({ routes: protectRoutes(ROUTES, { sessions, roles: TABLE, publicUrl }) });
  const cookie = cookieOf("operator");
  const call = async (headers: Record<string, string>) =>
    (await fetch(`${url}/api/c`, { method: "POST", body: "{}", headers: { cookie, connection: "close", ...headers } })).status;
  const json = { "content-type": "application/json; charset=utf-8" };
  assert.equal(await call({ ...json, origin: publicUrl }), 200);
  assert.equal(await call({ ...json, origin: "https://evil.example" }), 403);
  assert.equal(await call(json), 403);
  assert.equal(await call({ origin: publicUrl, "content-type": "text/plain" }), 415);
  assert.equal(await call({ origin: publicUrl, "content-type": "application/x-www-form-urlencoded" }), 415);
});

test("a route without a row, or a row without its route, is not served", () => {
  assert.throws(
    () => protectRoutes([...ROUTES, route("GET", "/api/new")], { sessions, roles: TABLE, publicUrl }),
    /no role .* GET \/api\/new/,
  );
  assert.throws(() => protectRoutes(ROUTES.slice(1), { sessions, roles: TABLE, publicUrl }), /no route .* GET \/api\/a/);
  assert.throws(() => protectRoutes([route("GET", "toString")], { sessions, roles: {}, publicUrl }), /no role/);
});

const ORIGINS: readonly [headers: Parameters<typeof sameOrigin>[0], publicUrl: string, isSame: boolean][] = [
  [{ origin: "https://console.example.com" }, publicUrl, true],
  [{ origin: "https://console.example.com:8443" }, publicUrl, false],
  [{ origin: "http://console.example.com" }, publicUrl, false],
  [{ origin: "https://console.example.com.evil.example" }, publicUrl, false],
  [{ origin: "null", "sec-fetch-site": "same-origin" }, publicUrl, true],
  [{ origin: "null", "sec-fetch-site": "same-site" }, publicUrl, false],
  [{ origin: "null" }, publicUrl, false],
  [{}, publicUrl, false],
  [{ host: "127.0.0.1:7730", origin: "http://127.0.0.1:7730" }, "", true],
  [{ host: "127.0.0.1:7730", origin: "http://127.0.0.1:7731" }, "", false],
  [{ host: "evil.example:7730", origin: "http://evil.example:7730" }, "", false],
  [{ host: "evil.example:7730", origin: "null", "sec-fetch-site": "same-origin" }, "", false],
];
for (const [headers, base, isSame] of ORIGINS)
  test(`${JSON.stringify(headers)} at “${base}” ${isSame ? "is our page" : "is another site"}`, () => {
    assert.equal(sameOrigin(headers, base), isSame);
  });

const PATHS: readonly [asked: string | null, goTo: string][] = [
  ["/find?q=a#b", "/find?q=a#b"],
  [null, "/"],
  ["https://evil.example", "/"],
  ["//evil.example", "/"],
  ["/\\evil.example", "/"],
  ["/.//evil.example", "/"],
  ["/a/..//evil.example", "/"],
  ["/\t/evil.example", "/"],
  ["javascript:alert(1)", "/"],
  [`/${"a".repeat(400)}`, "/"],
];
for (const [asked, goTo] of PATHS)
  test(`signing in leads from ${JSON.stringify(asked?.slice(0, 30))} to ${goTo}`, () => {
    assert.equal(returnPath(asked), goTo);
  });
