// Signing in to the console in a real Chromium: at a certified OpenID Connect provider, and by a one-time link.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";
import type { Browser } from "playwright-core";
import { close, listen } from "../../runtime/http/listen.ts";
import { CLIENT_ID, freePort, startConsole } from "../support/console-auth.ts";
import { openPage, startChromium } from "./chromium.ts";
import { axeFaults, checkSight } from "./page-checks.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-sign-in-"));
const CLIENT_SECRET = "a secret of the console at its provider";
const stack = new AsyncDisposableStack();
let browser: Browser;
before(async () => {
  browser = await startChromium();
});
after(async () => {
  await browser?.close();
  await stack.disposeAsync();
  rmSync(directory, { recursive: true });
});

/** Signs anybody in who says their name; ada is in the group sre. */
async function startProvider(consoleUrl: () => string): Promise<string> {
  const port = await freePort();
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        ...{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, response_types: ["code"], grant_types: ["authorization_code"] },
        ...{ redirect_uris: [`${consoleUrl()}/login/callback`], post_logout_redirect_uris: [`${consoleUrl()}/`] },
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "RS256", use: "sig" }] },
    cookies: { keys: ["a key of the provider's cookies"] },
    // Claims of the scopes are in the ID token, as most providers do.
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["groups"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: async () => ({
        sub: id,
        email: `${id}@example.com`,
        email_verified: true,
        groups: id === "ada" ? ["staff", "sre"] : ["sales"],
      }),
    }),
  });
  const server = createServer(provider.callback());
  await listen(server, { host: "127.0.0.1", port });
  stack.defer(() => close(server, 100));
  return `http://127.0.0.1:${port}`;
}

test("a person signs in at the provider, comes back to where they were, and signs out; one without a role is told so", async () => {
  const secret = join(directory, "secret");
  writeFileSync(secret, CLIENT_SECRET);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const issuer = await startProvider(() => url);
  stack.use(await startConsole({ issuer, port, env: { CONSOLE_OIDC_CLIENT_SECRET_FILE: secret } }));
  for (const name of ["ada", "bob"]) {
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.goto(`${url}/login?return=/%3Fseen`);
    assert.ok(page.url().startsWith(issuer), page.url());
    await page.fill('input[name="login"]', name);
    await page.fill('input[name="password"]', "any");
    await page.click('button[type="submit"]');
    await page.waitForSelector("text=Continue");
    await page.click('button[type="submit"]');
    if (name === "bob") {
      await page.waitForSelector("text=You have no role here");
      assert.deepEqual(await axeFaults(page), []);
      assert.equal(await page.evaluate("fetch('/api/session').then((answer) => answer.status)"), 401);
      continue;
    }
    await page.waitForURL(`${url}/?seen`);
    const who = await page.evaluate("fetch('/api/session').then((answer) => answer.json())");
    assert.deepEqual(who, { name: "ada@example.com", role: "operator", signInBy: "oidc" });
    assert.equal(await page.evaluate("document.cookie"), "", "scripts see no cookie");
    const changed =
      "fetch('/api/change', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }).then((answer) => answer.status)";
    assert.equal(await page.evaluate(changed), 200);
    await page.evaluate(
      "const form = document.createElement('form'); form.method = 'post'; form.action = '/logout'; document.body.append(form); form.submit()",
    );
    await page.waitForSelector("text=You are signed out");
    assert.deepEqual(await axeFaults(page), []);
    await page.click("text=Sign out at your identity provider");
    await page.waitForSelector("text=Do you want to sign-out");
    assert.ok(page.url().startsWith(issuer), page.url());
    await page.goto(`${url}/`);
    assert.equal(await page.evaluate("fetch('/api/session').then((answer) => answer.status)"), 401);
  }
});

test("a one-time link is opened, and its button signs in; the link is in no address afterwards", async () => {
  const { url, auth, links } = stack.use(await startConsole({ keys: [] }));
  await using opened = await openPage(browser);
  const { page, requests } = opened;
  await page.goto(`${url}/login`);
  await page.click("text=Print a new link");
  await page.waitForSelector("text=Look at your terminal");
  assert.equal(links.length, 1);
  for (const path of [links[0]!, auth.newLink()!]) {
    await page.goto(url + path);
    for (const width of [1_100, 320]) {
      await page.setViewportSize({ width, height: 700 });
      await checkSight(page, `${width}`);
    }
    await page.click("button");
    await page.waitForURL(`${url}/`);
    assert.equal(await page.evaluate("fetch('/api/session').then((answer) => answer.status)"), 200);
    assert.equal(await page.evaluate("document.referrer"), "");
  }
  assert.ok(requests.every(({ headers }) => !(headers.referer ?? "").includes("/login/link/")));
});
