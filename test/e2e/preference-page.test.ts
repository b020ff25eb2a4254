// A link that an app asks for, the page behind it, and what the next notification makes of the choice.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Category } from "../../core/preferences/category.ts";
import { userSubject } from "../../core/preferences/opt-out.ts";
import { PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { fresh } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { mail, register, send, settled, toUser, wentOut } from "./calls.ts";

const CATEGORIES: Category[] = [
  { name: "reminders", labels: { en: { title: "Reminders" } }, default: "opted-in" },
  { name: "security", labels: { en: { title: "Security" } }, default: "required" },
];

let system: TestSystem;
before(async () => {
  system = await startSystem();
  await system.store.apps.change("demo", (app) => ({ ...app!, categories: CATEGORIES }));
});
after(() => system?.[Symbol.asyncDispose]());

const linkFor = (userId: string) =>
  callUnary(system.clients.preferences, PreferenceServiceService.createPreferencesLink, {
    subject: { subject: { $case: "userId", value: userId } },
  });
const post = (url: string, fields: Record<string, string>) => fetch(url, { method: "POST", body: new URLSearchParams(fields) });
const reasonsOf = async (user: string, category: string) => {
  const { notificationId } = await send(system, { recipient: toUser(user), category });
  const [record] = await settled(system, [notificationId]);
  return record!.deliveries.map((delivery) => (wentOut(delivery) ? "sent" : delivery.reason?.code));
};

test("an app's link leads to the page, and a choice, a pause and Undo hold for the next notification", async () => {
  const user = fresh("hana");
  await register(system, user, mail(`${user}@example.com`));
  const { url, expiresAt } = await linkFor(user);
  assert.ok((expiresAt?.getTime() ?? 0) > Date.now() + 29 * 86_400_000);
  assert.doesNotMatch(url, new RegExp(user), "no user id stands in the URL");
  const shown = await (await fetch(url)).text();
  assert.match(shown, /name="reminders\.email" checked/);
  assert.deepEqual(await reasonsOf(user, "reminders"), ["sent"]);

  assert.equal((await post(url, { version: "0", was: "+reminders.email" })).status, 200);
  assert.deepEqual(await reasonsOf(user, "reminders"), ["opted-out"]);
  assert.equal((await post(url, { undo: "1" })).status, 200);
  assert.deepEqual(await reasonsOf(user, "reminders"), ["sent"]);

  assert.equal((await post(url, { version: "2", pause: "30" })).status, 200);
  assert.deepEqual(await reasonsOf(user, "reminders"), ["opted-out"]);
  assert.deepEqual(await reasonsOf(user, "security"), ["sent"]);
  assert.equal((await post(url, { version: "2", resume: "now" })).status, 409, "a page of before the pause");
  assert.equal((await post(url, { version: "3", resume: "now" })).status, 200);
  assert.deepEqual(await reasonsOf(user, "reminders"), ["sent"]);
  const changes = await system.store.preferences.history("demo", userSubject(user), Number.MAX_SAFE_INTEGER, 10);
  assert.deepEqual(new Set(changes.map(({ origin }) => origin.source)), new Set(["preference-page"]));
});
