import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChangeEntry } from "../core/preferences/change.ts";
import type { OptOut } from "../core/preferences/opt-out.ts";
import { ONE_CLICK, serve } from "../test/support/unsubscribe-pages.ts";

const NEWS: OptOut = { channel: "email", category: "newsletter" };

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
    const { page: done } = await feedback.post(path, { scope });
    assert.match(done, says);
    const refusing = await feedback.record();
    assert.deepEqual([refusing?.optOuts, refusing?.consents], [[refused], []]);
    assert.equal((await feedback.history())[0]?.origin.source, "unsubscribe-page");
    assert.equal((await feedback.post(path, { scope })).page, done, "the same form again");
    const [, undo = ""] = /name="undo" value="(\d+)"/.exec(done) ?? [];
    assert.match((await feedback.post(path, { undo })).page, /Your choices are as they were before/);
    const undone = await feedback.record();
    assert.deepEqual([undone?.optOuts, undone?.consents, undone?.version], [[], [consent], 3]);
    assert.match((await feedback.post(path, { undo })).page, /Your choices are as they were before/, "again");
    assert.equal((await feedback.record())?.version, 3);
  });

test("undo takes back no other change than the last one of its own page", async () => {
  await using feedback = await serve();
  const path = feedback.pathOf();
  const { id } = feedback.app;
  const { subject } = feedback.claim;
  const undo = (version: number, query = "") => feedback.post(`${path}${query}`, { undo: String(version) });
  await feedback.preferences.update(id, subject, { optOut: [NEWS], origin: { source: "phone" } });
  const refused = await undo(1);
  assert.equal(refused.status, 409);
  assert.match(
    refused.page,
    /<h1>Not undone<\/h1>\s*<p class="lead">Your choices were changed since\.<\/p>.*href="\.\.\/p\/.*All settings/s,
  );
  assert.match((await undo(1, "?lang=ko")).page, /되돌리지 않았습니다/);
  assert.deepEqual((await feedback.record())?.optOuts, [NEWS]);
  await feedback.post(path, { scope: "channel" });
  await feedback.preferences.update(id, subject, { optOut: [{ channel: "sms", category: "*" }], origin: { source: "phone" } });
  for (const version of [1, 2, 3, 4]) await undo(version);
  assert.equal((await feedback.record())?.version, 3);
  await feedback.post(path, { scope: "category" });
  const other = feedback.pathOf({ notificationId: "f".repeat(32) });
  await feedback.post(other, { undo: "4" });
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
  await feedback.post(feedback.pathOf(), { scope: "mail" });
  stale = await feedback.history();
  const other: OptOut = { channel: "sms", category: "*" };
  await feedback.preferences.update(feedback.app.id, feedback.claim.subject, { optOut: [other], origin: { source: "phone" } });
  assert.match((await feedback.post(feedback.pathOf(), { undo: "1" })).page, /Not undone/);
  assert.equal((await feedback.record())?.version, 2);
});

test("a link of an old mail refuses, and takes nothing back", async () => {
  await using feedback = await serve();
  const path = feedback.pathOf({ issuedAt: feedback.clock.now() - 31 * 86_400_000 });
  assert.doesNotMatch(await (await feedback.ask(path)).text(), /You can undo it/);
  assert.match(await (await feedback.ask(feedback.pathOf())).text(), /You can undo it on the next page/);
  assert.doesNotMatch((await feedback.post(path, { scope: "mail" })).page, /name="undo"/);
  await feedback.post(path, { undo: "1" });
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
  const { status } = await feedback.post(feedback.pathOf(), { scope: "x".repeat(5_000) });
  assert.equal(status, 413);
});

test("who has as many choices as there may be still unsubscribes, from the whole channel", async () => {
  await using feedback = await serve();
  const many = Array.from({ length: 1_000 }, (_, i): OptOut => ({ channel: "sms", category: `c${i}` }));
  await feedback.preferences.update(feedback.app.id, feedback.claim.subject, { optOut: many, origin: {} });
  assert.equal((await feedback.ask(feedback.pathOf(), { method: "POST", body: ONE_CLICK })).status, 200);
  assert.deepEqual((await feedback.record())?.optOuts.at(-1), { channel: "email", category: "*" });
});

test("all e-mail is refused also where the person consented to a category on every channel", async () => {
  await using feedback = await serve();
  const { id } = feedback.app;
  const { subject } = feedback.claim;
  await feedback.preferences.update(id, subject, { consent: [{ channel: "*", category: "newsletter" }], origin: {} });
  await feedback.post(feedback.pathOf(), { scope: "channel" });
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
  for (const { page } of [
    await feedback.post(feedback.pathOf(), { scope: "mail" }),
    await feedback.post(feedback.pathOfPage(), { version: "0", everything: "off" }),
  ]) {
    assert.match(page, /We do not know whether your choice was stored\. Please open this page again/);
    assert.doesNotMatch(page, /Nothing was changed/);
  }
  assert.match((await feedback.post(`${feedback.pathOf()}?lang=ko`, { scope: "mail" })).page, /저장되었는지 알 수 없습니다/);
});
