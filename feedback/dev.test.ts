// The whole system as `carillon dev` runs it: providers' webhooks reach the deliveries.
import assert from "node:assert/strict";
import { test } from "node:test";
import { send, toEndpoint } from "../test/e2e/calls.ts";
import { eventually } from "../test/support/eventually.ts";
import { freshEndpoint } from "../test/support/fresh.ts";
import { startSystem } from "../test/support/system.ts";

test("an SMS and an e-mail are delivered once their providers say so", async () => {
  await using system = await startSystem();
  for (const channel of ["sms", "email"] as const) {
    const { notificationId } = await send(system, { recipient: toEndpoint(freshEndpoint(channel, system.sandbox)) });
    const state = async () => (await system.store.notifications.find(notificationId))?.deliveries[0]?.state;
    await eventually(`${channel} is delivered`, async () => (await state()) === "delivered");
  }
  const { target, givenUp } = system.sandbox.webhooks.state();
  assert.deepEqual([target, givenUp], [system.env.FEEDBACK_URL, 0]);
  assert.equal(system.env.TWILIO_STATUS_CALLBACK_URL, `${target}/twilio`);
});
