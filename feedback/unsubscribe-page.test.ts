import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { endpointSubject, userSubject } from "../core/preferences/opt-out.ts";
import { claimText } from "../core/preferences/unsubscribe-token.ts";
import { sealToken } from "../runtime/sealed-token.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { LINK_KEYS } from "../test/support/recipient-pages.ts";
import { ONE_CLICK, serve } from "../test/support/unsubscribe-pages.ts";
import { SUBJECT_LIMIT } from "./subject-limit.ts";

test("opening the page changes nothing, however often", async () => {
  await using feedback = await serve();
  const path = feedback.pathOf();
  for (const method of ["GET", "HEAD", "GET"]) {
    const answer = await feedback.ask(path, { method });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("set-cookie"), null);
    assert.match(answer.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
    for (const [name, value] of [
      ["referrer-policy", "no-referrer"],
      ["cache-control", "no-store"],
    ] as const)
      assert.equal(answer.headers.get(name), value);
  }
  const page = await (await feedback.ask(path)).text();
  assert.match(page, /<h1>Unsubscribe from “News &#38; &#60;offers&#62;”\?<\/h1>/);
  assert.match(page, /by e-mail<br><small>Twice a month<\/small>/);
  assert.match(page, /All e-mail except Security/);
  assert.equal(await feedback.record(), undefined);
  assert.deepEqual(await feedback.history(), []);
});

test("a token that says nothing is answered 200 by POST, and one page by GET, whatever is wrong with it", async () => {
  await using feedback = await serve();
  const path = feedback.pathOf();
  const forged = sealToken(claimText(feedback.claim), { ...LINK_KEYS, keys: ["another key of many characters, b"] });
  const pages = new Set<string>();
  for (const wrong of [path.slice(0, -1), `${path}x`, "/u/x", `/u/${forged}`, `/u/${"a".repeat(3_000)}`]) {
    const posted = await feedback.ask(wrong, { method: "POST", body: ONE_CLICK });
    assert.equal(posted.status, 200);
    const shown = await feedback.ask(wrong);
    assert.equal(shown.status, 404);
    pages.add(await posted.text()).add(await shown.text());
  }
  assert.equal(pages.size, 1);
  assert.match([...pages][0]!, /This link has ended/);
  assert.equal(await feedback.record(), undefined);
});

test("the page names what the person's tenant requires", async () => {
  await using feedback = await serve();
  await feedback.store.apps.change(feedback.app.id, (app) => ({
    ...app!,
    categories: app!.categories!.map((c) => (c.name === "security" ? { ...c, tenantDefaults: { acme: "opted-in" as const } } : c)),
  }));
  const page = async () => (await feedback.ask(feedback.pathOf())).text();
  assert.match(await page(), /All e-mail except Security/);
  await feedback.store.profiles.put(feedback.app.id, "ann", { tenant: "acme" }, feedback.clock.now());
  assert.doesNotMatch(await page(), /except Security/);
});

test("more at once than there is room for is answered 503", async () => {
  await using feedback = await serve({ inFlightMax: 0 });
  assert.equal((await feedback.ask(feedback.pathOf())).status, 503);
});

test("the links of one person are answered so often and no more, and another's go on", async () => {
  await using feedback = await serve();
  const path = feedback.pathOf();
  for (let i = 0; i < SUBJECT_LIMIT.burst; i++) assert.equal((await feedback.ask(path)).status, 200);
  assert.equal((await feedback.ask(path)).status, 429);
  assert.equal((await feedback.ask(path, { method: "POST", body: ONE_CLICK })).status, 200, "who looked at it too often can still use it");
  assert.equal((await feedback.ask(feedback.pathOf({ subject: userSubject("bo") }))).status, 200);
  feedback.clock.advance(1_000 / SUBJECT_LIMIT.ratePerSecond);
  assert.equal((await feedback.ask(path)).status, 200);
});

test("a page is in the language that was asked for, else the person's, else the browser's", async () => {
  await using feedback = await serve();
  const path = feedback.pathOf();
  const languageAt = async (at: string, accepted: string) => {
    const page = await (await feedback.ask(at, { headers: { "accept-language": accepted } })).text();
    return /<html lang="(\w+)">/.exec(page)?.[1];
  };
  assert.equal(await languageAt(path, "ko-KR,ko"), "ko");
  assert.match(await (await feedback.ask(`${path}?lang=ko`)).text(), /‘소식지’ 수신을 거부하시겠습니까\?/);
  await feedback.store.profiles.put(feedback.app.id, "ann", { locale: "ko" }, feedback.clock.now());
  assert.equal(await languageAt(path, "en"), "ko");
  assert.equal(await languageAt(`${path}?lang=en`, "ko"), "en");
});

test("the page shows the address of the mail, masked", async () => {
  await using feedback = await serve();
  const sample = sampleNotification("mail", feedback.clock.now());
  const endpoint = { channel: "email", address: "hana@example.com" } as const;
  const notification = {
    ...sample,
    app: feedback.app.id,
    deliveries: sample.deliveries.map((d) => ({ ...d, channel: "email" as const, endpoint })),
  };
  await feedback.store.notifications.insert([notification]);
  for (const subject of [userSubject("ann"), endpointSubject(endpointId(endpoint))]) {
    const page = await (await feedback.ask(feedback.pathOf({ notificationId: notification.id, subject }))).text();
    assert.match(page, /For h…@example\.com\. Opening/);
  }
});

test("pages and their style sheets are served below the path of the public URL, too", async () => {
  await using feedback = await serve();
  for (const base of ["", "/in"]) {
    const path = `${base}${feedback.pathOf()}`;
    const page = await (await feedback.ask(path)).text();
    const sheets = [...page.matchAll(/rel="stylesheet" href="([^"]+)"/g)].map(([, href]) => new URL(href!, `http://x${path}`).pathname);
    assert.equal(sheets.length, 3);
    for (const sheet of sheets) {
      const answer = await feedback.ask(sheet);
      assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "text/css; charset=utf-8"]);
    }
    assert.doesNotMatch(page, /<script|style=|https?:/);
  }
});

test("without keys nothing is served", async () => {
  await using feedback = await serve({ isOn: false });
  assert.equal((await feedback.ask(feedback.pathOf())).status, 404);
});
