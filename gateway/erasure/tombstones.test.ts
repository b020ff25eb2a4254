import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import { endpointSubject, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { changing } from "../../test/support/changing.ts";
import { ADA, choice, erase, MAIL, now, tombstonesOf, withAda } from "../../test/support/erasable-user.ts";

test("neither a registration nor an import brings an erased user back as opted in", async () => {
  await using world = await withAda();
  const { store } = world;
  await erase(store);
  const tombstones = tombstonesOf(store);
  const subject = userSubject(ADA);
  const live = async () => (await store.preferences.find("shop", [subject]))[0]?.optOuts ?? [];
  assert.deepEqual(await live(), []);
  await tombstones.restore("shop", ADA);
  const refusals = [choice("email", "news"), choice("sms", "*")];
  assert.deepEqual(await live(), refusals);
  const versionOf = async () => (await store.preferences.find("shop", [subject]))[0]?.version;
  const version = await versionOf();
  await tombstones.restore("shop", ADA);
  assert.equal(await versionOf(), version, "once");
  const check = (of: string, wanted: OptOut[], evidence = "") => tombstones.check("shop", of, wanted, evidence);
  assert.equal((await check(subject, [choice("email", "news")]))?.reason, "ERASED");
  assert.equal((await check(subject, [choice("*", "*")]))?.reason, "ERASED");
  assert.equal(await check(subject, [choice("email", "orders")]), undefined);
  const mailbox = endpointSubject(endpointId(MAIL));
  assert.equal((await check(mailbox, [choice("email", "news")]))?.reason, "ERASED", "the address outright");
  assert.deepEqual((await store.preferences.find("shop", [mailbox]))[0]?.optOuts, [choice("email", "news")]);
  // A new consent, with evidence, counts from then on.
  assert.equal(await check(subject, [choice("email", "news")], "form 12"), undefined);
  assert.equal((await check(subject, [choice("email", "news")]))?.reason, "ERASED", "it is not stored yet");
  await tombstones.settle("shop", subject, [choice("email", "news")]);
  assert.equal(await check(subject, [choice("email", "news")]), undefined);
  assert.equal((await check(subject, [choice("sms", "news")]))?.reason, "ERASED");
  await store.preferences.update("shop", subject, changing([], [choice("email", "news")]), now);
  await tombstones.restore("shop", ADA);
  assert.deepEqual(await live(), [choice("sms", "*")]);
});

test("a narrow consent with evidence leaves a wide refusal of who was erased", async () => {
  await using world = await withAda();
  const { store } = world;
  const subject = userSubject(ADA);
  await store.preferences.update("shop", subject, changing([choice("*", "*")]), now);
  await erase(store);
  const tombstones = tombstonesOf(store);
  const news = choice("email", "news");
  assert.equal(await tombstones.check("shop", subject, [news], "form 12"), undefined);
  await store.preferences.update("shop", subject, { consent: [news], origin: {} }, now);
  await tombstones.settle("shop", subject, [news]);
  for (const registered of [false, true]) {
    if (registered) await tombstones.restore("shop", ADA);
    const [live] = await store.preferences.find("shop", [subject]);
    assert.deepEqual([live?.consents, live?.optOuts], [[news], [choice("sms", "*"), choice("*", "*")]]);
  }
  assert.equal((await tombstones.check("shop", subject, [choice("email", "ads")], ""))?.reason, "ERASED");
});

test("who opted in on the page after they came back stays opted in, until they are erased again", async () => {
  await using world = await withAda();
  const { store } = world;
  const subject = userSubject(ADA);
  const tombstones = tombstonesOf(store);
  const live = async () => (await store.preferences.find("shop", [subject]))[0];
  await erase(store);
  // By a link in an old mail: it is no registration, which still restores the others.
  await store.preferences.update("shop", subject, changing([choice("email", "ads")]), now);
  await tombstones.restore("shop", ADA);
  assert.deepEqual((await live())?.optOuts, [choice("email", "ads"), choice("email", "news"), choice("sms", "*")]);
  await store.preferences.update("shop", subject, changing([], [choice("sms", "*")]), now);
  await store.preferences.update("shop", subject, { consent: [choice("email", "news")], origin: {} }, now);
  await tombstones.restore("shop", ADA);
  assert.deepEqual([(await live())?.optOuts, (await live())?.consents], [[choice("email", "ads")], [choice("email", "news")]]);
  assert.equal((await erase(store)).complete, true);
  await tombstones.restore("shop", ADA);
  assert.ok((await live())?.optOuts.some(({ category }) => category === "ads"));
});
