import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createBrowser, startConsole } from "../../test/support/console-auth.ts";
import { LINK_MS } from "./login-links.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const start = async () => stack.use(await startConsole({ keys: [] }));

test("a link signs in once; looking at it does not use it up", async () => {
  const { url, auth, lines } = await start();
  const path = auth.newLink()!;
  for (let i = 0; i < 3; i++) {
    const { status, body, headers } = await createBrowser().call(url + path);
    assert.equal(status, 200);
    assert.match(body, /<form method="post">/);
    assert.equal(headers.get("referrer-policy"), "no-referrer");
  }
  const browser = createBrowser();
  const { status, location } = await browser.post(url + path);
  assert.deepEqual([status, location], [303, "/"]);
  assert.equal(JSON.parse((await browser.call(`${url}/api/session`)).body).role, "operator");
  const second = createBrowser();
  assert.equal((await second.post(url + path)).status, 400);
  assert.equal(second.cookies.size, 0);
  assert.doesNotMatch(lines.join(""), new RegExp(path.slice(-43)));
});

test("a link ends after five minutes, and an unknown one is answered as a used one", async () => {
  const { url, auth, clock } = await start();
  const path = auth.newLink()!;
  clock.advance(LINK_MS);
  const { status, body } = await createBrowser().post(url + path);
  const unknown = await createBrowser().post(`${url}/login/link/${"a".repeat(43)}`);
  const plain = (text: string) => text.replace(/<code>\w+<\/code>/, "");
  assert.deepEqual([status, plain(body)], [unknown.status, plain(unknown.body)]);
  assert.equal((await createBrowser().call(`${url}/login/link/short`)).status, 404);
});

test("another site can neither use a link nor have one printed, nor reach the console by a name of its own", async () => {
  const { url, auth, links } = await start();
  const path = auth.newLink()!;
  const foreign: Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "null", "sec-fetch-site": "cross-site" },
  ];
  for (const headers of foreign) {
    assert.equal((await createBrowser().post(url + path, headers)).status, 403);
    assert.equal((await createBrowser().post(`${url}/login/new-link`, headers)).status, 403);
  }
  assert.equal(links.length, 0);
  const form = { origin: "null", "sec-fetch-site": "same-origin" };
  assert.equal((await createBrowser().post(`${url}/login/new-link`, form)).status, 200);
  assert.equal((await createBrowser().post(url + links[0]!, form)).status, 303);
});

test("at most 16 links wait: a new one replaces the oldest", async () => {
  const { url, auth } = await start();
  const paths = Array.from({ length: 17 }, () => auth.newLink()!);
  assert.equal((await createBrowser().post(url + paths[0]!)).status, 400);
  assert.equal((await createBrowser().post(url + paths[1]!)).status, 303);
});

test("over https, however it is written, the cookie is for https and for this host alone", async () => {
  for (const CONSOLE_URL of ["https://console.example.com", "HTTPS://Console.example.com:443"]) {
    const { url, auth } = stack.use(await startConsole({ keys: [], env: { CONSOLE_URL } }));
    const { status, lines } = await createBrowser().post(url + auth.newLink()!, { origin: "https://console.example.com" });
    assert.equal(status, 303);
    assert.match(lines[0]!, /^__Host-carillon-console=.*; Path=\/; HttpOnly; SameSite=Strict; Max-Age=1800; Secure$/, CONSOLE_URL);
  }
});
