import assert from "node:assert/strict";
import { test } from "node:test";
import { createAppRates } from "../adapters/redis/app-rates.ts";
import { connectRedis } from "../adapters/redis/connect.ts";
import { contentToProto } from "../core/content/content.ts";
import type { CallError } from "../runtime/call-error.ts";
import { isCallError } from "../runtime/call-error.ts";
import { createLogger } from "../runtime/logger.ts";
import { smsMessage } from "../test/support/accept-world.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { checkRequest, updateRequest } from "../test/support/preference-requests.ts";
import { startRedis } from "../test/support/servers.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import { createCallRate } from "./call-rate.ts";

const log = createLogger("test", "silent");
/** So slow that no token is added during a test. */
const SLOW = { ratePerSecond: 0.02, burst: 15 };
const contextOf = (id: string) => ({
  caller: { ...sampleApp(), id },
  signal: new AbortController().signal,
  deadlineAt: 0,
  traceparent: undefined,
});

async function setUp() {
  const server = await startRedis();
  const redis = await connectRedis(server.url, { log });
  const clock = createFakeClock();
  const calls: string[] = [];
  const answers = <Name extends string>(...names: Name[]) =>
    Object.fromEntries(names.map((name) => [name, async () => calls.push(name) && {}])) as Record<Name, () => Promise<never>>;
  const rate = createCallRate({ rates: createAppRates(redis, { clock, pods: () => 1, counter: "app-calls" }), limit: SLOW, clock, log });
  return {
    ...{ redis, calls },
    notifications: rate.notifications(
      answers(
        ...(["sendNotification", "batchSendNotifications", "previewNotification", "getNotification"] as const),
        ...(["listNotifications", "cancelNotifications"] as const),
      ),
    ),
    contacts: rate.contacts(answers("registerContact", "removeContact", "listContacts")),
    preferences: rate.preferences(
      answers("getPreferences", "updatePreferences", "listPreferenceChanges", "liftBlock", "createPreferencesLink", "checkPreferences"),
    ),
    categories: rate.categories(answers("putCategory", "listCategories", "deleteCategory")),
    profiles: rate.profiles({ ...answers("setProfile", "getProfile", "eraseUser"), exportUser: async function* () {} }),
    async [Symbol.asyncDispose]() {
      await redis[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("every call that sends nothing uses up one rate of its app, and no send does", async () => {
  await using world = await setUp();
  const { notifications, contacts, preferences, categories, profiles, calls } = world;
  const context = contextOf("shop");
  const endpoint = undefined;
  const others = (of: typeof context): Promise<unknown>[] => [
    notifications.getNotification({ notificationId: "" }, of),
    contacts.registerContact({ userId: "", endpoint }, of),
    contacts.removeContact({ userId: "", endpointId: "" }, of),
    contacts.listContacts({ userId: "" }, of),
    preferences.getPreferences({ subject: undefined }, of),
    preferences.createPreferencesLink({ subject: undefined }, of),
    preferences.updatePreferences(updateRequest(), of),
    preferences.listPreferenceChanges({ subject: undefined, pageSize: 0, beforeVersion: 0 }, of),
    preferences.liftBlock({ endpoint, kind: 0, origin: undefined }, of),
    preferences.checkPreferences(checkRequest([]), of),
    categories.putCategory({ category: undefined }, of),
    categories.listCategories({}, of),
    categories.deleteCategory({ name: "" }, of),
    profiles.setProfile({ userId: "", profile: undefined }, of),
    profiles.getProfile({ userId: "" }, of),
  ];
  await Promise.all(others(context));
  assert.equal(calls.length, SLOW.burst);
  const rejected = (await Promise.all(others(context))) as CallError[];
  assert.equal(calls.length, SLOW.burst, "a rejected call does nothing");
  for (const error of rejected) {
    assert.ok(isCallError(error));
    assert.deepEqual([error.code, error.reason], ["RESOURCE_EXHAUSTED", "RATE_LIMITED"]);
    assert.ok((error.retryAfterMs ?? 0) > 40_000, "the time until a token is there");
    assert.deepEqual(error.quota, { subject: "app:shop", description: "limit: 0.02 calls per second that send nothing" });
  }
  await notifications.sendNotification({ notification: undefined, validateOnly: false }, context);
  await notifications.batchSendNotifications({ notifications: [] }, context);
  await contacts.listContacts({ userId: "" }, contextOf("bank"));
  assert.deepEqual(calls.slice(SLOW.burst), ["sendNotification", "batchSendNotifications", "listContacts"]);
  assert.deepEqual((await world.redis.keys("*")).toSorted(), ["carillon:app-calls:bank", "carillon:app-calls:shop"]);
});

test("many questions and many changes use up more of it", async () => {
  await using world = await setUp();
  const { preferences } = world;
  const questions = checkRequest(Array.from({ length: 101 }, () => ({ userId: "ada" })));
  assert.ok(!isCallError(await preferences.checkPreferences(questions, contextOf("shop"))));
  const optOut = Array.from({ length: 40 }, () => ({ channel: 0 as const, category: "news" }));
  assert.ok(!isCallError(await preferences.updatePreferences(updateRequest({ optOut }), contextOf("shop"))));
  assert.ok(isCallError(await preferences.getPreferences({ subject: undefined }, contextOf("shop"))), "eleven and four of fifteen");
});

test("a preview uses up ten, and more for a large mail", async () => {
  await using world = await setUp();
  const { notifications } = world;
  const previewOf = (app: string, html: string) =>
    notifications.previewNotification(
      { notification: smsMessage("a", { content: contentToProto({ email: { subject: "s", html, text: "" } }) }) },
      contextOf(app),
    );
  const waitMs = async (app: string) => {
    const error = (await notifications.getNotification({ notificationId: "" }, contextOf(app))) as CallError;
    return Math.round((error.retryAfterMs ?? 0) / 1_000);
  };
  for (const app of ["shop", "bank"]) await previewOf(app, "small");
  await previewOf("shop", "small");
  await previewOf("bank", "x".repeat(40_960));
  // A token takes 50 s; to the next one 6 are missing, and 16.
  assert.deepEqual(
    [await waitMs("shop"), await waitMs("bank")].map((s) => Math.round(s / 10) * 10),
    [300, 800],
  );
});
