import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import type { Store } from "../core/ports/store.ts";
import { CATEGORIES_MAX } from "../core/preferences/category.ts";
import type { Category } from "../gen/carillon/v1/category_service.ts";
import { type CallError, isCallError } from "../runtime/call-error.ts";
import { createLogger } from "../runtime/logger.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import { type CategoryHandlers, createCategoryHandlers } from "./category-handlers.ts";
import { createProfileHandlers, type ProfileHandlers } from "./profile-handlers.ts";

let store: Store;
let lines: string[];
let categories: CategoryHandlers;
let profiles: ProfileHandlers;
beforeEach(async () => {
  await store?.[Symbol.asyncDispose]();
  store = await openStore("sqlite::memory:");
  await store.apps.change("shop", () => sampleApp());
  lines = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  categories = createCategoryHandlers({ apps: store.apps, log });
  profiles = createProfileHandlers({ profiles: store.profiles, clock: createFakeClock() });
});
after(() => store[Symbol.asyncDispose]());

const shop = { caller: { ...sampleApp(), id: "shop" }, signal: new AbortController().signal, deadlineAt: 0, traceparent: undefined };
const category = (over: Partial<Category> = {}): Category => ({
  ...{ name: "news", labels: {}, notificationClass: 0, default: 0, channelsOff: [], hidden: false, order: 0 },
  ...{ unsubscribeTransactional: false, cap: undefined, quietHours: 0, tenantDefaults: {} },
  ...over,
});
const put = (over: Partial<Category> = {}) => categories.putCategory({ category: category(over) }, shop);
const answered = <T>(answer: T | CallError): T => (isCallError(answer) ? assert.fail(answer.message) : answer);
const fieldsOf = (answer: unknown) => {
  assert.ok(isCallError(answer));
  return [answer.code, ...(answer.fields ?? []).map(({ field }) => field)];
};

test("a category is put, listed as it is stored, replaced and deleted, and each change is logged", async () => {
  const full = category({
    ...{ name: "orders", labels: { ko: { title: "주문", description: "" }, en: { title: "Orders", description: "What became of them" } } },
    ...{ notificationClass: 2, default: 2, channelsOff: [4], hidden: true, order: -1, unsubscribeTransactional: true },
    ...{ cap: { max: 3, windowSeconds: 86_400, defer: true }, quietHours: 1, tenantDefaults: { acme: 3 } },
  });
  await put();
  assert.deepEqual(answered(await categories.putCategory({ category: full }, shop)).category, full);
  const list = async () => answered(await categories.listCategories({}, shop)).categories;
  assert.deepEqual(await list(), [full, category({ default: 1 })], "unspecified is opted in");
  answered(await put({ hidden: true }));
  assert.deepEqual((await list())[1]?.hidden, true);
  const drop = async () => answered(await categories.deleteCategory({ name: "orders" }, shop)).deleted;
  assert.deepEqual([await drop(), await drop(), (await list()).length], [true, false, 1]);
  const logged = lines.map((line) => JSON.parse(line)).map(({ msg, app, category: name }) => `${msg} ${app} ${name}`);
  assert.deepEqual(logged, [
    ...["category put shop news", "category put shop orders", "category put shop news"],
    "category deleted shop orders",
  ]);
});

test("a category that breaks a rule is INVALID_ARGUMENT and names the field", async () => {
  assert.deepEqual(fieldsOf(await put({ name: "News" })), ["INVALID_ARGUMENT", "category.name"]);
  assert.deepEqual(fieldsOf(await put({ notificationClass: 3, quietHours: 2 })), ["INVALID_ARGUMENT", "category.quiet_hours"]);
  assert.deepEqual(fieldsOf(await put({ labels: { EN: { title: "x", description: "" } } })), ["INVALID_ARGUMENT", 'category.labels["EN"]']);
  assert.deepEqual(fieldsOf(await put({ tenantDefaults: { a: 0 } })), ["INVALID_ARGUMENT", 'category.tenant_defaults["a"]']);
  assert.deepEqual(fieldsOf(await categories.putCategory({ category: undefined }, shop)), ["INVALID_ARGUMENT", "category"]);
  assert.deepEqual((await store.apps.find("shop"))?.categories, undefined);
});

test("beyond a hundred categories is FAILED_PRECONDITION, and changes nothing", async () => {
  for (let i = 0; i < CATEGORIES_MAX; i++) answered(await put({ name: `c${i}` }));
  const rejected = await put();
  assert.deepEqual(fieldsOf(rejected), ["FAILED_PRECONDITION", "category"]);
  assert.ok(isCallError(rejected) && rejected.reason === "TOO_MANY_CATEGORIES");
  assert.equal((await store.apps.find("shop"))?.categories?.length, CATEGORIES_MAX);
});

test("a profile is set, replaced as a whole and read; one that is not there is empty", async () => {
  const profile = { locale: "ko", timeZone: "Asia/Seoul", quietHours: { fromMinute: 1_320, untilMinute: 480 }, tenant: "acme" };
  const get = async (userId: string) => answered(await profiles.getProfile({ userId }, shop));
  const none = { locale: undefined, timeZone: undefined, quietHours: undefined, tenant: undefined };
  assert.deepEqual(await get("ada"), { profile: none, version: 0 });
  assert.deepEqual(answered(await profiles.setProfile({ userId: "ada", profile }, shop)), { version: 1 });
  assert.deepEqual(await get("ada"), { profile, version: 1 });
  assert.deepEqual(answered(await profiles.setProfile({ userId: "ada", profile: { locale: "en" } }, shop)), { version: 2 });
  assert.deepEqual(await get("ada"), { profile: { ...none, locale: "en" }, version: 2 });
});

test("a profile that breaks a rule is INVALID_ARGUMENT and names the field", async () => {
  const set = (profile: object) => profiles.setProfile({ userId: "ada", profile }, shop);
  assert.deepEqual(fieldsOf(await set({ timeZone: "Asia/Atlantis" })), ["INVALID_ARGUMENT", "profile.time_zone"]);
  assert.deepEqual(fieldsOf(await set({ quietHours: { fromMinute: 0, untilMinute: 1_440 } })), [
    ...["INVALID_ARGUMENT", "profile.quiet_hours.until_minute"],
  ]);
  assert.deepEqual(fieldsOf(await profiles.setProfile({ userId: "a b", profile: undefined }, shop)), [
    "INVALID_ARGUMENT",
    "user_id",
    "profile",
  ]);
  assert.deepEqual(await store.profiles.find("shop", ["ada"]), []);
});
