// The sign-in against an issuer that answers wrongly where a test says so; test/browser/console-sign-in.browser.ts signs in at a real provider.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { JWTPayload } from "jose";
import { CLIENT_ID, CONSOLE_KEY, createBrowser, startConsole } from "../../test/support/console-auth.ts";
import { type OidcIssuer, startOidcIssuer } from "../../test/support/oidc-issuer.ts";
import { LOGIN_LIMIT } from "./login-limit.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
let issuer: OidcIssuer;
before(async () => {
  issuer = stack.use(await startOidcIssuer(CLIENT_ID));
});
beforeEach(() => {
  issuer.claims = { groups: ["staff", "sre"], email: "ada@example.com", email_verified: true };
  issuer.signature = "own";
  issuer.callback = {};
});
const start = async (options: Partial<Parameters<typeof startConsole>[0]> = {}) =>
  stack.use(await startConsole({ issuer: issuer.url, ...options }));
const SESSION = "carillon-console";

test("a person with a group that has a role is signed in, by a cookie that scripts and other sites do not get", async () => {
  const { url, lines } = await start();
  const browser = createBrowser();
  const { status, lines: set, body, headers } = await browser.signIn(url, "/login?return=/find%3Fq%3D1");
  assert.equal(status, 200);
  assert.match(set.find((line) => line.startsWith(SESSION)) ?? "", /; Path=\/; HttpOnly; SameSite=Strict; Max-Age=1800$/);
  assert.match(body, /http-equiv="refresh" content="0; url=\/find\?q=1"/);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.deepEqual(JSON.parse((await browser.call(`${url}/api/session`)).body), {
    name: "ada@example.com",
    role: "operator",
    signInBy: "oidc",
  });
  assert.equal(browser.cookies.has("carillon-login"), false);
  assert.match(lines.join(""), /signed in to the console/);
  assert.doesNotMatch(lines.join(""), /ada|eyJ|v1\./);
});

const rolesOf: readonly [what: string, claims: JWTPayload, role: string | undefined][] = [
  ["viewer", { groups: ["staff"] }, "viewer"],
  ["support", { groups: ["help", "staff"] }, "support"],
  ["operator by a text", { groups: "sre" }, "operator"],
  ["nobody: another group", { groups: ["sre2", "SRE"] }, undefined],
  ["nobody: no groups", { groups: [] }, undefined],
  ["nobody: an object", { groups: { sre: true } }, undefined],
];
for (const [what, claims, role] of rolesOf)
  test(`the claim makes ${what}`, async () => {
    const { url } = await start();
    issuer.claims = { ...issuer.claims, ...claims };
    const browser = createBrowser();
    const { status } = await browser.signIn(url);
    assert.equal(status, role === undefined ? 403 : 200);
    const change = await browser.post(`${url}/api/change`, { "content-type": "application/json" });
    assert.equal(change.status, role === "operator" ? 200 : role === undefined ? 401 : 403);
  });

const past = Math.floor(Date.now() / 1_000) - 3_600;
const FORGED: readonly [what: string, breakIt: () => void][] = [
  ["a token for another client", () => Object.assign(issuer.claims, { aud: "another" })],
  ["a token that another client asked for (azp)", () => Object.assign(issuer.claims, { aud: ["another", CLIENT_ID], azp: "another" })],
  ["a token of another issuer", () => Object.assign(issuer.claims, { iss: "https://evil.example" })],
  ["a token of another sign-in", () => Object.assign(issuer.claims, { nonce: "another" })],
  ["an expired token", () => Object.assign(issuer.claims, { iat: past - 60, exp: past })],
  ["a token without a signature (alg none)", () => Object.assign(issuer, { signature: "none" })],
  ["a token signed by a key that is not published", () => Object.assign(issuer, { signature: "forged" })],
  ["a token whose secret is the published key (HS256)", () => Object.assign(issuer, { signature: "confused" })],
  ["an answer that names another issuer (iss)", () => Object.assign(issuer, { callback: { iss: "https://evil.example" } })],
  ["an answer with a token of its own", () => Object.assign(issuer, { callback: { id_token: "e30.e30." } })],
];
for (const [what, breakIt] of FORGED)
  test(`${what} signs nobody in, and the page does not say why`, async () => {
    const { url } = await start();
    breakIt();
    const browser = createBrowser();
    const { status, body, lines } = await browser.signIn(url);
    assert.equal(status, 400);
    assert.match(body, /Signing in did not work/);
    assert.equal(
      lines.some((line) => line.startsWith(`${SESSION}=`)),
      false,
    );
    assert.equal((await browser.call(`${url}/api/session`)).status, 401);
  });

test("a code is taken once, and a callback only in the browser that began, with its own state", async () => {
  const { url } = await start();
  const [ada, eve] = [createBrowser(), createBrowser()];
  const ofAda = await ada.callbackUrl(url);
  const tokens = () => issuer.asked.filter((path) => path === "/token").length;
  const before = tokens();
  assert.equal((await eve.call(ofAda)).status, 400, "without a login");
  const ofEve = await eve.callbackUrl(url);
  assert.equal((await eve.call(ofAda)).status, 400, "with a login of her own and a stolen state and code");
  const stolen = new URL(ofEve);
  stolen.searchParams.set("code", new URL(ofAda).searchParams.get("code")!);
  assert.equal(tokens(), before, "nothing was sent to the issuer");
  assert.equal((await ada.call(ofEve)).status, 400, "ada is not signed in as eve");
  const kept = new Map(ada.cookies);
  assert.equal((await ada.call(ofAda)).status, 200);
  for (const [name, value] of kept) ada.cookies.set(name, value);
  assert.equal((await ada.call(ofAda)).status, 400, "the code again, with the login's cookie kept");
  // A code without the verifier of its own sign-in: PKCE.
  const third = await ada.callbackUrl(url);
  stolen.searchParams.set("code", new URL(third).searchParams.get("code")!);
  assert.equal((await eve.call(stolen.href)).status, 400, "a code of another browser with her own state");
});

test("a person whom the issuer refuses is told to begin again", async () => {
  const { url, lines } = await start();
  const browser = createBrowser();
  const callback = new URL(await browser.callbackUrl(url));
  callback.searchParams.delete("code");
  callback.searchParams.set("error", "access_denied");
  assert.equal((await browser.call(callback.href)).status, 400);
  assert.match(lines.join(""), /"code":"access_denied"/);
});

test("a sign-in that takes too long is begun again", async () => {
  const { url, clock } = await start();
  const browser = createBrowser();
  const callback = await browser.callbackUrl(url);
  clock.advance(600_000);
  assert.equal((await browser.call(callback)).status, 400);
});

test("the issuer may change its key: sessions go on, and the next sign-in works", async () => {
  const { url } = await start();
  const browser = createBrowser();
  assert.equal((await browser.signIn(url)).status, 200);
  await issuer.rotate();
  assert.equal((await browser.call(`${url}/api/session`)).status, 200);
  assert.equal((await createBrowser().signIn(url)).status, 200);
});

test("a replica with the same keys finishes what another began, and takes its sessions; one without them does not", async () => {
  const first = await start();
  const second = await start({ env: { CONSOLE_URL: first.url } });
  const other = await start({ keys: ["another key of the console, of many characters"] });
  const browser = createBrowser();
  const callback = new URL(await browser.callbackUrl(first.url));
  assert.equal((await browser.call(second.url + callback.pathname + callback.search)).status, 200);
  for (const { url, status } of [
    { url: first.url, status: 200 },
    { url: other.url, status: 401 },
  ])
    assert.equal((await browser.call(`${url}/api/session`)).status, status);
  other.held.keys = ["another key of the console, of many characters", CONSOLE_KEY];
  assert.equal((await browser.call(`${other.url}/api/session`)).status, 200, "keys are added while it runs");
  first.held.keys = ["another key of the console, of many characters"];
  assert.equal((await browser.call(`${first.url}/api/session`)).status, 401, "a key that is removed ends its sessions");
});

test("a session that somebody planted is replaced at sign-in, and a sign-out ends the session and offers the issuer's", async () => {
  const { url, lines } = await start();
  const browser = createBrowser();
  issuer.claims = { ...issuer.claims, groups: ["staff"] };
  await browser.signIn(url);
  const planted = browser.cookies.get(SESSION)!;
  issuer.claims = { ...issuer.claims, groups: ["sre"] };
  await browser.signIn(url);
  const own = browser.cookies.get(SESSION)!;
  assert.notEqual(own, planted);
  assert.equal((await browser.post(`${url}/logout`, { origin: "https://evil.example" })).status, 403);
  const { status, body, lines: set } = await browser.post(`${url}/logout`);
  assert.equal(status, 200);
  assert.match(set[0]!, /^carillon-console=; .*Max-Age=0/);
  assert.ok(body.includes(`${issuer.url}/end?post_logout_redirect_uri`), body);
  browser.cookies.set(SESSION, own);
  assert.equal((await browser.call(`${url}/api/session`)).status, 401, "a copy of the cookie");
  browser.cookies.set(SESSION, planted);
  assert.equal(JSON.parse((await browser.call(`${url}/api/session`)).body).role, "viewer");
  assert.match(lines.join(""), /signed out of the console/);
});

test("an issuer that does not answer is said so", async () => {
  const { url, lines } = await start({ env: { CONSOLE_OIDC_ISSUER: "http://127.0.0.1:9" } });
  const { status, body } = await createBrowser().call(`${url}/login`);
  assert.equal(status, 503);
  assert.match(body, /identity provider does not answer/);
  const reference = /<code>(\w{8})<\/code>/.exec(body)?.[1] ?? "none";
  assert.ok(lines.some((line) => line.includes(reference)));
});

test("sign-ins are limited, and later ones go on", async () => {
  const { url, clock } = await start();
  const browser = createBrowser();
  const statuses: number[] = [];
  for (let i = 0; i <= LOGIN_LIMIT.burst; i++) statuses.push((await browser.call(`${url}/login`)).status);
  assert.equal(statuses.at(-2), 303);
  assert.equal(statuses.at(-1), 429);
  clock.advance(1_000);
  assert.equal((await browser.call(`${url}/login`)).status, 303);
});

test("what other sites have a browser fetch uses up no sign-ins, and asks the issuer for nothing", async () => {
  const { url } = await start();
  const before = issuer.asked.length;
  const fetched: Record<string, string>[] = [
    { "sec-fetch-dest": "image", "sec-fetch-site": "cross-site" },
    { "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site" },
    { "sec-fetch-dest": "document", "sec-fetch-site": "cross-site", "sec-purpose": "prefetch" },
  ];
  for (let i = 0; i < LOGIN_LIMIT.burst; i++)
    for (const headers of fetched) assert.equal((await createBrowser().call(`${url}/login`, { headers })).status, 403);
  assert.equal(issuer.asked.length, before);
  const opened = { "sec-fetch-dest": "document", "sec-fetch-site": "cross-site" };
  assert.equal((await createBrowser().call(`${url}/login`, { headers: opened })).status, 303);
});
