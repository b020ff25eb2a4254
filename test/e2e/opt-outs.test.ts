// Opt-outs are honoured at acceptance and by notifications that are already scheduled.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { channelToProto } from "../../adapters/wire/convert.ts";
import { type Category, CategoryDefault, CategoryServiceClient, CategoryServiceService } from "../../gen/carillon/v1/category_service.ts";
import { NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import { PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { ProfileServiceClient, ProfileServiceService } from "../../gen/carillon/v1/profile_service.ts";
import { callUnary, createClient } from "../../runtime/grpc/client.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, freshNumber, freshToken } from "../support/fresh.ts";
import { updateRequest } from "../support/preference-requests.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, mail, optOut, phone, register, send, settled, toEndpoint, toUser, wentOut } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(() => system?.[Symbol.asyncDispose]());

const arrived = (deliveryId: string) => system.sandbox.ledger.entries({ deliveryId }).length;
const sms = channelToProto("sms");
const NO_CATEGORY: Category = {
  ...{ name: "", labels: {}, notificationClass: 0, default: 0, channelsOff: [], hidden: false, order: 0 },
  ...{ unsubscribeTransactional: false, cap: undefined, quietHours: 0, tenantDefaults: {} },
};

/** A user with a number and a mailbox, and "allowed" in every cache. */
async function someone(): Promise<string> {
  const user = fresh("linus");
  await register(system, user, phone(freshNumber()));
  await register(system, user, mail(`${user}@example.com`));
  const before = await send(system, { recipient: toUser(user) });
  const [record] = await settled(system, [before.notificationId]);
  assert.deepEqual(record!.deliveries.map(wentOut), [true, true]);
  return user;
}

const WIDTHS = [
  ["one channel in one category", { channel: sms, category: "orders" }, ["sms"], []],
  ["a channel in every category", { channel: sms }, ["sms"], ["sms"]],
  ["a category on every channel", { category: "orders" }, ["email", "sms"], []],
  ["everything", {}, ["email", "sms"], ["email", "sms"]],
] as const;

for (const [what, choice, ofOrders, ofAlerts] of WIDTHS)
  test(`a user opts out of ${what}`, async () => {
    const user = await someone();
    await optOut(system, user, choice);
    for (const [category, optedOut] of [["orders", ofOrders] as const, ["alerts", ofAlerts] as const]) {
      const accepted = await send(system, { recipient: toUser(user), category });
      const reported = accepted.deliveries.filter((d) => d.suppressedReason?.code === "opted-out");
      assert.equal(reported.length, optedOut.length, "the answer to the caller says so");
      const [record] = await settled(system, [accepted.notificationId]);
      const suppressed = record!.deliveries.filter((d) => d.state === "suppressed");
      assert.deepEqual(suppressed.map((d) => d.channel).sort(), [...optedOut], category);
      for (const d of record!.deliveries) {
        assert.ok(suppressed.includes(d) || wentOut(d), d.state);
        assert.equal(arrived(d.id), suppressed.includes(d) ? 0 : 1);
        if (suppressed.includes(d)) assert.equal(d.reason?.code, "opted-out");
      }
    }
  });

test("an endpoint's opt-out holds for every user, and for every spelling of the endpoint", async () => {
  const user = fresh("barbara");
  const address = `${fresh("Barbara")}@example.com`;
  await register(system, user, mail(address));
  await optOut(system, mail(address.toLowerCase()));
  for (const recipient of [toUser(user), toEndpoint(mail(address)), toEndpoint(mail(address.toUpperCase()))]) {
    const delivery = await ended(system, await send(system, { recipient, channels: [channelToProto("email")] }));
    assert.deepEqual([delivery.state, delivery.reason?.code, arrived(delivery.id)], ["suppressed", "opted-out", 0]);
  }
});

test("an opt-out is honoured by a notification scheduled before it", async () => {
  const user = await someone();
  const token = { channel: "apns", token: freshToken() } as const;
  const sendAt = new Date(Date.now() + 2_000);
  const waiting = [
    await send(system, { recipient: toUser(user), sendAt }),
    await send(system, { recipient: toEndpoint(token), sendAt }),
    await send(system, { recipient: toUser(user), sendAt, category: "alerts" }),
  ];
  for (const { deliveries } of waiting) for (const d of deliveries) assert.equal(d.suppressedReason, undefined);
  await optOut(system, user, { category: "orders" });
  await optOut(system, token);
  const [orders, push, alerts] = await settled(
    system,
    waiting.map((w) => w.notificationId),
  );
  for (const d of [...orders!.deliveries, ...push!.deliveries])
    assert.deepEqual([d.state, d.reason?.code, arrived(d.id)], ["suppressed", "opted-out", 0]);
  for (const d of alerts!.deliveries) assert.deepEqual([wentOut(d), arrived(d.id)], [true, 1]);
});

test("a category that is opted out by default is sent to those who consented alone, and a profile is kept", async () => {
  const parts = { token: system.apiKey };
  using categories = createClient(CategoryServiceClient, system.gatewayAddress, parts);
  using profiles = createClient(ProfileServiceClient, system.gatewayAddress, parts);
  const name = fresh("newsletter");
  const asked = {
    name,
    notificationClass: NotificationClass.NOTIFICATION_CLASS_MARKETING,
    default: CategoryDefault.CATEGORY_DEFAULT_OPTED_OUT,
  };
  await callUnary(categories, CategoryServiceService.putCategory, { category: { ...NO_CATEGORY, ...asked } });
  const { categories: all } = await callUnary(categories, CategoryServiceService.listCategories, {});
  assert.ok(all.some((category) => category.name === name));
  const user = await someone();
  const sent = async () => {
    const accepted = await send(system, { recipient: toUser(user), category: name });
    const [record] = await settled(system, [accepted.notificationId]);
    return record!.deliveries.map((d) => (wentOut(d) ? "sent" : d.reason?.code));
  };
  await eventually("the default holds", async () => `${await sent()}` === "no-consent,no-consent");
  const subject = { subject: { $case: "userId", value: user } } as const;
  const consent = [{ channel: sms, category: name }];
  await callUnary(system.clients.preferences, PreferenceServiceService.updatePreferences, updateRequest({ subject, consent }));
  assert.deepEqual((await sent()).sort(), ["no-consent", "sent"]);
  const changes = { subject, pageSize: 0, beforeVersion: 0 };
  const listed = await callUnary(system.clients.preferences, PreferenceServiceService.listPreferenceChanges, changes);
  assert.deepEqual(
    listed.changes.map((change) => change.after?.consents.length),
    [1],
  );
  assert.deepEqual(await callUnary(categories, CategoryServiceService.deleteCategory, { name }), { deleted: true });

  const profile = { locale: "ko", timeZone: "Asia/Seoul" };
  await callUnary(profiles, ProfileServiceService.setProfile, { userId: user, profile });
  assert.equal((await callUnary(profiles, ProfileServiceService.getProfile, { userId: user })).profile?.timeZone, "Asia/Seoul");
});
