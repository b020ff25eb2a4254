import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { parseApiKey } from "../../core/apps/api-key.ts";
import { APP_KEYS_MAX, type AppRecord, keyState } from "../../core/apps/app.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { addKey, createApp, grantApiKey, revokeKeys, rotateKey, setAccounts, setChannels, setLimits } from "./apps.ts";

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const terms = { now: NOW };
const states = ({ keys }: AppRecord, now: number) => keys.map((key) => keyState(key, now));

test("a new app gets a key that finds it; the key itself is not stored", async () => {
  await using store = await openStore("sqlite::memory:");
  const { key, record } = await createApp(store.apps, "shop", ["sms"], terms);
  assert.deepEqual(parseApiKey(key), { id: record.id });
  const keys = [{ id: record.id, hash: sha256Hex(key), createdAt: NOW }];
  assert.deepEqual(await store.apps.findByKeyHash(sha256Hex(key)), { id: "shop", channels: ["sms"], limits: {}, keys, version: 1 });
});

test("an app is created once, and only a known one is changed", async () => {
  await using store = await openStore("sqlite::memory:");
  const { app } = await createApp(store.apps, "shop", CHANNELS, terms);
  await assert.rejects(createApp(store.apps, "shop", ["sms"], terms), /app shop exists; `carillon app key add shop`/);
  assert.deepEqual(await store.apps.find("shop"), app);
  for (const change of [
    addKey(store.apps, "bank", terms),
    rotateKey(store.apps, "bank", { ...terms, overlapMs: DAY_MS }),
    revokeKeys(store.apps, "bank", ["a"], NOW),
    setLimits(store.apps, "bank", { openMax: 1 }),
    setChannels(store.apps, "bank", ["sms"]),
    setAccounts(store.apps, "bank", { sms: "acme" }, PROVIDERS),
  ])
    await assert.rejects(change, (error) => error instanceof OperatorError && /there is no app bank/.test(error.message));
  assert.equal(await store.apps.find("bank"), undefined);
});

test("six keys that are granted at the same moment are all valid", async () => {
  await using store = await openStore("sqlite::memory:");
  await createApp(store.apps, "shop", CHANNELS, terms);
  const granted = await Promise.all(Array.from({ length: 6 }, () => addKey(store.apps, "shop", terms)));
  for (const { key } of granted) assert.equal((await store.apps.findByKeyHash(sha256Hex(key)))?.id, "shop");
  assert.equal((await store.apps.find("shop"))?.keys.length, 7);
});

test("an id that breaks the rule is rejected, and nothing is stored", async () => {
  await using store = await openStore("sqlite::memory:");
  for (const id of ["", "-a", "Shop", "a_b", "a".repeat(64)]) {
    await assert.rejects(createApp(store.apps, id, CHANNELS, terms), /id: must be/);
    assert.equal(await store.apps.find(id), undefined);
  }
});

test("a rotation adds a key, and the valid ones expire after the overlap or at their own earlier time", async () => {
  await using store = await openStore("sqlite::memory:");
  await createApp(store.apps, "shop", CHANNELS, terms);
  const early = await addKey(store.apps, "shop", { now: NOW, expiresAt: NOW + 1_000 });
  const revoked = await addKey(store.apps, "shop", terms);
  await revokeKeys(store.apps, "shop", [revoked.record.id], NOW);
  const { app } = await rotateKey(store.apps, "shop", { now: NOW, overlapMs: DAY_MS });
  assert.deepEqual(
    app.keys.map((key) => key.expiresAt),
    [NOW + DAY_MS, NOW + 1_000, undefined, undefined],
  );
  assert.equal(early.record.expiresAt, NOW + 1_000);
  assert.deepEqual(states(app, NOW + DAY_MS - 1), ["valid", "expired", "revoked", "valid"]);
  assert.deepEqual(states(app, NOW + DAY_MS), ["expired", "expired", "revoked", "valid"]);
});

test("a rotation of one key leaves the others as they are", async () => {
  await using store = await openStore("sqlite::memory:");
  const first = await createApp(store.apps, "shop", CHANNELS, terms);
  await addKey(store.apps, "shop", terms);
  const { app } = await rotateKey(store.apps, "shop", { now: NOW, overlapMs: 0, keyId: first.record.id });
  assert.deepEqual(states(app, NOW), ["expired", "valid", "valid"]);
  await assert.rejects(rotateKey(store.apps, "shop", { now: NOW, overlapMs: 0, keyId: "none" }), /app shop has no key none/);
});

test("a revoked key stays revoked since its first revocation, and where one is unknown none is revoked", async () => {
  await using store = await openStore("sqlite::memory:");
  const { record } = await createApp(store.apps, "shop", CHANNELS, terms);
  await assert.rejects(revokeKeys(store.apps, "shop", [record.id, "zzzzzzzz"], NOW), /no key zzzzzzzz/);
  assert.deepEqual(states((await store.apps.find("shop"))!, NOW), ["valid"]);
  await revokeKeys(store.apps, "shop", [record.id], NOW + 1);
  const app = await revokeKeys(store.apps, "shop", [record.id], NOW + 2);
  assert.equal(app.keys[0]?.revokedAt, NOW + 1);
});

test("limits that are named are set or taken away, the others stay", async () => {
  await using store = await openStore("sqlite::memory:");
  await createApp(store.apps, "shop", CHANNELS, terms);
  await setLimits(store.apps, "shop", {
    ratePerSecond: 5,
    burst: 10,
    dailyMax: { sms: { marketing: 7, critical: 9 }, email: { critical: 1 } },
  });
  const { limits } = await setLimits(store.apps, "shop", {
    ...{ ratePerSecond: undefined, weight: 2, smsPrefixes: ["+49"] },
    dailyMax: { sms: { marketing: undefined }, email: { critical: undefined }, apns: { critical: 0 } },
  });
  assert.deepEqual(limits, { burst: 10, weight: 2, smsPrefixes: ["+49"], dailyMax: { sms: { critical: 9 }, apns: { critical: 0 } } });
  const days = await setLimits(store.apps, "shop", { contentDays: { critical: 1, marketing: 2 }, metadataDays: { critical: 40 } });
  assert.deepEqual([days.limits.contentDays, days.limits.metadataDays], [{ critical: 1, marketing: 2 }, { critical: 40 }]);
  const less = await setLimits(store.apps, "shop", { contentDays: { critical: undefined }, metadataDays: { critical: undefined } });
  assert.deepEqual([less.limits.contentDays, "metadataDays" in less.limits], [{ marketing: 2 }, false]);
  await setLimits(store.apps, "shop", { contentDays: undefined });
  assert.deepEqual((await setLimits(store.apps, "shop", { dailyMax: undefined })).limits, { burst: 10, weight: 2, smsPrefixes: ["+49"] });
});

test("limits outside their range are rejected by name, and nothing is changed", async () => {
  await using store = await openStore("sqlite::memory:");
  await createApp(store.apps, "shop", CHANNELS, terms);
  for (const [limits, fault] of [
    [{ ratePerSecond: 0 }, /ratePerSecond: must be a number above 0/],
    [{ ratePerSecond: Number.NaN }, /ratePerSecond/],
    [{ burst: 0 }, /burst: must be an integer from 1/],
    [{ burst: 1.5 }, /burst/],
    [{ openMax: -1 }, /openMax: must be an integer from 0/],
    [{ scheduledMax: 1e12 }, /scheduledMax/],
    [{ weight: 101 }, /weight: must be an integer from 1 to 100/],
    [{ classes: [] }, /classes: must name at least one of/],
    [{ smsPrefixes: ["49"] }, /smsPrefixes: must be/],
    [{ smsPrefixes: ["+"] }, /smsPrefixes/],
    [{ dailyMax: { sms: { marketing: -1 } } }, /dailyMax: must be integers/],
  ] as const)
    await assert.rejects(setLimits(store.apps, "shop", limits as never), fault, JSON.stringify(limits));
  assert.equal((await store.apps.find("shop"))?.version, 1);
});

test("accounts are set and taken away by provider or channel, and survive another key", async () => {
  await using store = await openStore("sqlite::memory:");
  await createApp(store.apps, "shop", CHANNELS, terms);
  await setAccounts(store.apps, "shop", { sms: "acme", twilio: "acme-eu", apns: "acme-ios" }, PROVIDERS);
  const changed = await setAccounts(store.apps, "shop", { twilio: "default", apns: undefined }, PROVIDERS);
  assert.deepEqual(changed.accounts, { sms: "acme", twilio: "default" });
  await addKey(store.apps, "shop", terms);
  await grantApiKey(store.apps, { id: "shop" });
  assert.deepEqual((await store.apps.find("shop"))?.accounts, { sms: "acme", twilio: "default" });
  await setAccounts(store.apps, "shop", { sms: undefined, twilio: undefined }, PROVIDERS);
  assert.equal(Object.hasOwn((await store.apps.find("shop"))!, "accounts"), false);
});

test("an account that can never serve the app is rejected by name, and nothing is changed", async () => {
  await using store = await openStore("sqlite::memory:");
  await createApp(store.apps, "shop", ["sms"], terms);
  for (const [accounts, fault] of [
    [{ carrierpigeon: "acme" }, /carrierpigeon: is no provider or channel/],
    [{ "Bearer secret": "acme" }, /a name: is no provider or channel/],
    [{ apns: "acme" }, /apns: the app may not use apns/],
    [{ sendgrid: "acme" }, /sendgrid: the app may not use email/],
    [{ twilio: "-acme" }, /twilio: the account's name must be .*; what is given has 5 characters/],
    [{ twilio: "acme", vonage: "" }, /vonage: the account's name/],
    [{ twilio: undefined }, /twilio: the app has no account of its own there/],
  ] as const)
    await assert.rejects(setAccounts(store.apps, "shop", accounts, PROVIDERS), fault, JSON.stringify(accounts));
  assert.equal((await store.apps.find("shop"))?.version, 1);
});

test("another key leaves the earlier one valid and keeps the channels, unless new ones are given", async () => {
  await using store = await openStore("sqlite::memory:");
  const first = await grantApiKey(store.apps, { id: "shop", channels: ["sms"] });
  const second = await grantApiKey(store.apps, { id: "shop" });
  assert.deepEqual(second.app.channels, ["sms"]);
  for (const { key } of [first, second]) assert.equal((await store.apps.findByKeyHash(sha256Hex(key)))?.id, "shop");
  await grantApiKey(store.apps, { id: "shop", channels: ["email"] });
  assert.deepEqual((await store.apps.find("shop"))?.channels, ["email"]);
});

test("an app has a bounded number of keys: those no longer valid make room, and without any the grant is rejected", async () => {
  await using store = await openStore("sqlite::memory:");
  await createApp(store.apps, "shop", CHANNELS, terms);
  for (let i = 2; i <= APP_KEYS_MAX; i++) await addKey(store.apps, "shop", { now: NOW, expiresAt: i === 4 ? NOW + 1 : undefined });
  const ids = (await store.apps.find("shop"))!.keys.map(({ id }) => id);
  await assert.rejects(addKey(store.apps, "shop", terms), /app shop has 50 valid API keys.*revoke some/);
  const { record, app } = await addKey(store.apps, "shop", { now: NOW + 1 });
  assert.deepEqual(
    app.keys.map(({ id }) => id),
    [...ids.filter((id) => id !== ids[3]), record.id],
  );
});
