// A relay by SMTP in front of another e-mail provider, through the whole system.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { FaultAction } from "../../sandbox/main.ts";
import { freshEndpoint } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { get, send, settled, toEndpoint } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem({ EMAIL_PROVIDERS: "smtp,sendgrid" });
});
after(() => system?.[Symbol.asyncDispose]());

async function sendOne() {
  const { notificationId } = await send(system, { recipient: toEndpoint(freshEndpoint("email", system.sandbox)) });
  const [record] = await settled(system, [notificationId], { is: ({ state }) => ["sent", "delivered", "uncertain"].includes(state) });
  const delivery = record!.deliveries[0]!;
  const notification = await get(system, notificationId);
  return {
    state: delivery.state,
    attempts: notification.deliveries[0]!.attempts.map(({ provider, outcome }) => [provider, outcome]),
    arrived: system.sandbox.ledger.entries({ deliveryId: delivery.id }).map(({ provider }) => provider),
  };
}
const order = (provider: string, action: FaultAction) => system.sandbox.faults.order({ provider, do: action });

test("arrives once by the relay", async () => {
  assert.deepEqual(await sendOne(), { state: "sent", attempts: [["smtp", "accepted"]], arrived: ["smtp"] });
});

test("goes to the next provider where the line broke before the final dot", async () => {
  order("smtp-rcpt", { kind: "cut-before" });
  const { attempts, arrived } = await sendOne();
  assert.deepEqual(attempts, [
    ["smtp", "unavailable"],
    ["sendgrid", "accepted"],
  ]);
  assert.deepEqual(arrived, ["sendgrid"]);
});

test("is not sent again where the line broke after the final dot", async () => {
  order("smtp", { kind: "cut-after" });
  assert.deepEqual(await sendOne(), { state: "uncertain", attempts: [["smtp", "unanswered"]], arrived: ["smtp"] });
});
