// Opt-outs are honoured at acceptance and by notifications that are already scheduled.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { channelToProto } from "../../adapters/wire/convert.ts";
import { fresh, freshNumber, freshToken } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, mail, optOut, phone, register, send, settled, toEndpoint, toUser, wentOut } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(() => system?.[Symbol.asyncDispose]());

const arrived = (deliveryId: string) => system.sandbox.ledger.entries({ deliveryId }).length;
const sms = channelToProto("sms");

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
