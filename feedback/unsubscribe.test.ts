import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import type { Category } from "../core/preferences/category.ts";
import type { ChangeEntry } from "../core/preferences/change.ts";
import { endpointSubject, type OptOut, userSubject } from "../core/preferences/opt-out.ts";
import { claimText } from "../core/preferences/unsubscribe-token.ts";
import { sealToken } from "../runtime/sealed-token.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { LINK_KEYS, startRecipientPages } from "../test/support/recipient-pages.ts";
import type { PreferenceAccess } from "./choices.ts";
import { SUBJECT_LIMIT } from "./subject-limit.ts";

const CATEGORIES: Category[] = [
  {
    ...{ name: "newsletter", default: "opted-in" },
    labels: { en: { title: "News & <offers>", description: "Twice a month" }, ko: { title: "소식지" } },
  },
  { name: "security", labels: { en: { title: "Security" }, ko: { title: "보안" } }, default: "required" },
];
const ONE_CLICK = new URLSearchParams({ "List-Unsubscribe": "One-Click" });
const NEWS: OptOut = { channel: "email", category: "newsletter" };

async function serve(over: { preferences?: PreferenceAccess; inFlightMax?: number; isOn?: boolean } = {}) {
  const pages = await startRecipientPages({ ...over, categories: CATEGORIES });
  const counts = async () =>
    (await pages.metrics.unsubscribes.get()).values.map(({ labels, value }) => `${labels.what} ${labels.result} ${value}`);
  return { ...pages, claim: pages.mailClaim, pathOf: pages.unsubscribePathOf, pathOfPage: pages.pathOf, counts };
}

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

const MULTIPART = new FormData();
MULTIPART.set("List-Unsubscribe", "One-Click");
for (const [what, body] of [
  ["as most mail programs send it", ONE_CLICK],
  ["as multipart/form-data", MULTIPART],
] as const)
  test(`one click ${what} is recorded with its evidence, and again changes nothing`, async () => {
    await using feedback = await serve();
    const path = feedback.pathOf();
    for (let times = 0; times < 3; times++) {
      const answer = await feedback.ask(path, { method: "POST", body });
      assert.deepEqual([answer.status, answer.headers.get("location"), answer.headers.get("set-cookie")], [200, null, null]);
    }
    const changes = await feedback.history();
    assert.deepEqual(
      changes.map(({ version, origin, after }) => ({ version, origin, after: after.optOuts })),
      [{ version: 1, origin: { actor: "recipient", source: "one-click", evidence: feedback.claim.notificationId }, after: [NEWS] }],
    );
    assert.deepEqual(await feedback.counts(), ["one-click recorded 1", "one-click unchanged 2"]);
  });

test("a link of years ago unsubscribes all the same", async () => {
  await using feedback = await serve();
  await feedback.ask(feedback.pathOf({ issuedAt: 1_500_000_000_000 }), { method: "POST", body: ONE_CLICK });
  assert.deepEqual((await feedback.record())?.optOuts, [NEWS]);
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

const SCOPES: readonly (readonly [scope: string, refused: OptOut, says: RegExp])[] = [
  ["mail", NEWS, /You get no “News &#38; &#60;offers&#62;” by e-mail any more/],
  ["category", { channel: "*", category: "newsletter" }, /by e-mail or otherwise/],
  ["channel", { channel: "email", category: "*" }, /You get no e-mail any more, except Security/],
];
for (const [scope, refused, says] of SCOPES)
  test(`the page's form refuses by ${scope}, and can be undone`, async () => {
    await using feedback = await serve();
    const path = feedback.pathOf();
    const consent: OptOut = { channel: "email", category: "newsletter" };
    await feedback.preferences.update(feedback.app.id, feedback.claim.subject, { consent: [consent], origin: {} });
    const post = async (fields: Record<string, string>) =>
      (await feedback.ask(path, { method: "POST", body: new URLSearchParams(fields) })).text();
    const done = await post({ scope });
    assert.match(done, says);
    const refusing = await feedback.record();
    assert.deepEqual([refusing?.optOuts, refusing?.consents], [[refused], []]);
    assert.equal((await feedback.history())[0]?.origin.source, "unsubscribe-page");
    assert.equal(await post({ scope }), done, "the same form again");
    const [, undo = ""] = /name="undo" value="(\d+)"/.exec(done) ?? [];
    assert.match(await post({ undo }), /Your choices are as they were before/);
    const undone = await feedback.record();
    assert.deepEqual([undone?.optOuts, undone?.consents, undone?.version], [[], [consent], 3]);
    assert.match(await post({ undo }), /Your choices are as they were before/, "again");
    assert.equal((await feedback.record())?.version, 3);
  });

test("undo takes back no other change than the last one of its own page", async () => {
  await using feedback = await serve();
  const path = feedback.pathOf();
  const { id } = feedback.app;
  const { subject } = feedback.claim;
  const undo = (version: number, query = "") =>
    feedback.ask(`${path}${query}`, { method: "POST", body: new URLSearchParams({ undo: String(version) }) });
  await feedback.preferences.update(id, subject, { optOut: [NEWS], origin: { source: "phone" } });
  const refused = await undo(1);
  assert.equal(refused.status, 409);
  assert.match(
    await refused.text(),
    /<h1>Not undone<\/h1>\s*<p class="lead">Your choices were changed since\.<\/p>.*href="\.\.\/p\/.*All settings/s,
  );
  assert.match(await (await undo(1, "?lang=ko")).text(), /되돌리지 않았습니다/);
  assert.deepEqual((await feedback.record())?.optOuts, [NEWS]);
  await feedback.ask(path, { method: "POST", body: new URLSearchParams({ scope: "channel" }) });
  await feedback.preferences.update(id, subject, { optOut: [{ channel: "sms", category: "*" }], origin: { source: "phone" } });
  for (const version of [1, 2, 3, 4]) await undo(version);
  assert.equal((await feedback.record())?.version, 3);
  await feedback.ask(path, { method: "POST", body: new URLSearchParams({ scope: "category" }) });
  const other = feedback.pathOf({ notificationId: "f".repeat(32) });
  await feedback.ask(other, { method: "POST", body: new URLSearchParams({ undo: "4" }) });
  assert.equal((await feedback.record())?.version, 4);
});

test("undo changes nothing where the record and its history were read at two versions", async () => {
  let stale: ChangeEntry[] | undefined;
  await using feedback = await serve({
    preferences: {
      get: (app, subject) => feedback.preferences.get(app, subject),
      update: (app, subject, change) => feedback.preferences.update(app, subject, change),
      history: async (app, subject, before, limit) => stale ?? feedback.preferences.history(app, subject, before, limit),
    },
  });
  const post = (fields: Record<string, string>) => feedback.ask(feedback.pathOf(), { method: "POST", body: new URLSearchParams(fields) });
  await post({ scope: "mail" });
  stale = await feedback.history();
  const other: OptOut = { channel: "sms", category: "*" };
  await feedback.preferences.update(feedback.app.id, feedback.claim.subject, { optOut: [other], origin: { source: "phone" } });
  assert.match(await (await post({ undo: "1" })).text(), /Not undone/);
  assert.equal((await feedback.record())?.version, 2);
});

test("a link of an old mail refuses, and takes nothing back", async () => {
  await using feedback = await serve();
  const path = feedback.pathOf({ issuedAt: feedback.clock.now() - 31 * 86_400_000 });
  const post = async (fields: Record<string, string>) =>
    (await feedback.ask(path, { method: "POST", body: new URLSearchParams(fields) })).text();
  assert.doesNotMatch(await (await feedback.ask(path)).text(), /You can undo it/);
  assert.match(await (await feedback.ask(feedback.pathOf())).text(), /You can undo it on the next page/);
  assert.doesNotMatch(await post({ scope: "mail" }), /name="undo"/);
  await post({ undo: "1" });
  assert.deepEqual((await feedback.record())?.optOuts, [NEWS]);
});

test("a body that asks for nothing changes nothing", async () => {
  await using feedback = await serve();
  for (const body of ["", "x=1", "List-Unsubscribe=Yes", "scope=everything", "undo=-1"]) {
    const answer = await feedback.ask(feedback.pathOf(), { method: "POST", body: new URLSearchParams(body) });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /Opening this page changed nothing/);
  }
  const broken = { method: "POST", body: "--x\r\n", headers: { "content-type": "multipart/form-data; boundary=y" } };
  assert.equal((await feedback.ask(feedback.pathOf(), broken)).status, 200);
  assert.equal(await feedback.record(), undefined);
});

test("a body larger than a form is not read", async () => {
  await using feedback = await serve();
  const answer = await feedback.ask(feedback.pathOf(), { method: "POST", body: new URLSearchParams({ scope: "x".repeat(5_000) }) });
  assert.equal(answer.status, 413);
});

test("who has as many choices as there may be still unsubscribes, from the whole channel", async () => {
  await using feedback = await serve();
  const many = Array.from({ length: 1_000 }, (_, i): OptOut => ({ channel: "sms", category: `c${i}` }));
  await feedback.preferences.update(feedback.app.id, feedback.claim.subject, { optOut: many, origin: {} });
  assert.equal((await feedback.ask(feedback.pathOf(), { method: "POST", body: ONE_CLICK })).status, 200);
  assert.deepEqual((await feedback.record())?.optOuts.at(-1), { channel: "email", category: "*" });
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

test("all e-mail is refused also where the person consented to a category on every channel", async () => {
  await using feedback = await serve();
  const { id } = feedback.app;
  const { subject } = feedback.claim;
  await feedback.preferences.update(id, subject, { consent: [{ channel: "*", category: "newsletter" }], origin: {} });
  await feedback.ask(feedback.pathOf(), { method: "POST", body: new URLSearchParams({ scope: "channel" }) });
  const question = { app: id, userId: "ann", endpoint: undefined, notificationClass: "marketing", category: "newsletter" } as const;
  assert.deepEqual(
    await feedback.preferences.check([
      { ...question, channel: "email" },
      { ...question, channel: "sms" },
    ]),
    ["opted-out", "allowed"],
  );
});

test("while the store is away nothing is claimed to be done", async () => {
  const away = { get: async () => undefined, update: async () => undefined, history: async () => undefined };
  await using feedback = await serve({ preferences: away });
  for (const body of ["List-Unsubscribe=One-Click", "scope=mail", "undo=1"]) {
    const answer = await feedback.ask(feedback.pathOf(), { method: "POST", body: new URLSearchParams(body) });
    assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "60"]);
  }
});

test("where a write was not confirmed nobody is told that nothing was changed", async () => {
  await using feedback = await serve({
    preferences: {
      get: (app, subject) => feedback.preferences.get(app, subject),
      history: (app, subject, before, limit) => feedback.preferences.history(app, subject, before, limit),
      update: async () => undefined,
    },
  });
  const post = async (path: string, fields: Record<string, string>) =>
    (await feedback.ask(path, { method: "POST", body: new URLSearchParams(fields) })).text();
  for (const page of [
    await post(feedback.pathOf(), { scope: "mail" }),
    await post(feedback.pathOfPage(), { version: "0", everything: "off" }),
  ]) {
    assert.match(page, /We do not know whether your choice was stored\. Please open this page again/);
    assert.doesNotMatch(page, /Nothing was changed/);
  }
  assert.match(await post(`${feedback.pathOf()}?lang=ko`, { scope: "mail" }), /저장되었는지 알 수 없습니다/);
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
