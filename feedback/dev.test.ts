// The whole system as `carillon up` runs it: providers' webhooks reach the deliveries.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { isEnd } from "../core/delivery/notification.ts";
import { inboundTextOf } from "../sandbox/kit/inbound.ts";
import { CRITICAL, phone, send, toEndpoint } from "../test/e2e/calls.ts";
import { eventually } from "../test/support/eventually.ts";
import { freshEndpoint, freshNumber } from "../test/support/fresh.ts";
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

test("who answers STOP gets no text of that sender any more, in no class, and gets them again after START", async () => {
  await using system = await startSystem();
  const from = freshNumber();
  const write = (text: string) => system.sandbox.webhooks.tellText("twilio", inboundTextOf({ provider: "twilio", from, text }));
  const reasonOf = async () => {
    const { notificationId } = await send(system, { recipient: toEndpoint(phone(from)), notificationClass: CRITICAL });
    const delivery = async () => (await system.store.notifications.find(notificationId))!.deliveries[0]!;
    await eventually("it ended", async () => isEnd((await delivery()).state));
    const { id, reason } = await delivery();
    const entries = system.sandbox.ledger.entries({ deliveryId: id });
    return { code: reason?.code, calls: entries.length };
  };
  assert.deepEqual(await reasonOf(), { code: undefined, calls: 1 });
  assert.deepEqual(await write("Stop"), [{ status: 200, body: "<Response/>" }]);
  await eventually("nothing is sent", async () => isDeepStrictEqual(await reasonOf(), { code: "stopped", calls: 0 }));
  await write("Start");
  await eventually("it is sent again", async () => isDeepStrictEqual(await reasonOf(), { code: undefined, calls: 1 }));
});

test("a mail by SMTP is delivered once its relay says so, and what comes back has failed with the relay's code", async () => {
  await using system = await startSystem({ EMAIL_PROVIDERS: "smtp", SMTP_DSN_SUCCESS: "true" });
  const ends: [address: string, state: string, detail: string | undefined][] = [
    ["ada@example.com", "delivered", undefined],
    // Its relay falls silent after the message, so that only the report tells.
    ["doubt@example.com", "delivered", undefined],
    ["bounce-ada@example.com", "failed", "5.1.1"],
    ["bounce-full-ada@example.com", "failed", "5.2.2"],
    ["bounce-text-ada@example.com", "failed", "bounce"],
  ];
  system.sandbox.faults.order({ provider: "smtp", match: "doubt@", do: { kind: "cut-after" } });
  for (const [address, state, detail] of ends) {
    const { notificationId } = await send(system, { recipient: toEndpoint({ channel: "email", address }) });
    const delivery = async () => (await system.store.notifications.find(notificationId))?.deliveries[0];
    await eventually(`${address} is ${state}`, async () => (await delivery())?.state === state);
    assert.equal((await delivery())?.reason?.detail, detail);
    assert.equal(system.sandbox.ledger.entries({ deliveryId: (await delivery())?.id ?? "" }).length, 1, "sent once");
  }
  await system.sandbox.bounces.settled();
  const { target, told, givenUp } = system.sandbox.bounces.state();
  assert.deepEqual([target?.startsWith("lmtp://127.0.0.1:"), told, givenUp], [true, ends.length, 0]);
});
