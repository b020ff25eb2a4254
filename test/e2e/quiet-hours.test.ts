// Quiet hours and frequency caps, from the call that sets them to what arrives.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CategoryServiceClient, CategoryServiceService } from "../../gen/carillon/v1/category_service.ts";
import { type Profile, ProfileServiceClient, ProfileServiceService } from "../../gen/carillon/v1/profile_service.ts";
import { callUnary, createClient } from "../../runtime/grpc/client.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, freshNumber } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { CRITICAL, ended, get, NO_CATEGORY, phone, register, send, settled, toUser, wentOut } from "./calls.ts";

const MINUTE_MS = 60_000;
let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(() => system?.[Symbol.asyncDispose]());

const arrived = (deliveryId: string) => system.sandbox.ledger.entries({ deliveryId }).length;

async function someone(profile?: Profile): Promise<string> {
  const userId = fresh("grace");
  await register(system, userId, phone(freshNumber()));
  if (profile) {
    using profiles = createClient(ProfileServiceClient, system.gatewayAddress, { token: system.apiKey });
    await callUnary(profiles, ProfileServiceService.setProfile, { userId, profile });
  }
  return userId;
}

/** From two hours ago until two hours from now. */
function quietNow(): Profile {
  const minute = Math.floor((Date.now() / MINUTE_MS) % 1_440);
  return { timeZone: "Etc/UTC", quietHours: { fromMinute: (minute + 1_320) % 1_440, untilMinute: (minute + 120) % 1_440 } };
}

test("in a user's quiet hours a notification waits and says why, what is critical arrives, and what expires before has ended", async () => {
  const user = await someone(quietNow());
  const waits = await send(system, { recipient: toUser(user) });
  const reasonOf = async () => (await get(system, waits.notificationId)).deliveries[0]?.reason?.code;
  await eventually("it waits for the end of the quiet hours", async () => (await reasonOf()) === "quiet-hours");
  const urgent = await ended(system, await send(system, { recipient: toUser(user), notificationClass: CRITICAL }));
  assert.deepEqual([wentOut(urgent), arrived(urgent.id)], [true, 1]);
  const expiresAt = new Date(Date.now() + 60 * MINUTE_MS);
  const short = await ended(system, await send(system, { recipient: toUser(user), expiresAt }));
  assert.deepEqual([short.state, short.reason?.code, arrived(short.id)], ["expired", "quiet-hours", 0]);
  const [record] = await settled(system, [waits.notificationId], { is: ({ nextAt = 0 }) => nextAt > Date.now() + 60 * MINUTE_MS });
  assert.deepEqual([record!.deliveries[0]!.state, record!.deliveries[0]!.attempt, arrived(record!.deliveries[0]!.id)], ["pending", 1, 0]);
});

test("of a category with a cap each user is sent so many, and further ones are suppressed", async () => {
  const name = fresh("offers");
  using categories = createClient(CategoryServiceClient, system.gatewayAddress, { token: system.apiKey });
  const cap = { max: 1, windowSeconds: 2_678_400, defer: false };
  await callUnary(categories, CategoryServiceService.putCategory, { category: { ...NO_CATEGORY, name, cap } });
  const [user, other] = [await someone(), await someone()];
  const sentTo = async (userId: string) => ended(system, await send(system, { recipient: toUser(userId), category: name }));
  // Dispatchers read categories anew within 5 s.
  await eventually("the cap holds", async () => (await sentTo(other)).reason?.code === "cap");
  const first = await sentTo(user);
  assert.deepEqual([wentOut(first), arrived(first.id)], [true, 1]);
  const second = await sentTo(user);
  assert.deepEqual([second.state, second.reason?.code, arrived(second.id)], ["suppressed", "cap", 0]);
});
