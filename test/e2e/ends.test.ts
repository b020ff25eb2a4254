import assert from "node:assert/strict";
import { test } from "node:test";
import { NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, freshEndpoint, freshNumber, freshToken } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { mail, optOut, phone, register, send, toEndpoint, toUser } from "./calls.ts";

/** "role channel state reason" → count, from the metrics of all roles. */
async function endsOf(system: TestSystem): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  for (const role of system.roles) {
    const printed = await (await fetch(`http://${role.addresses.http}/metrics`)).text();
    for (const [, labels = "", count] of printed.matchAll(/^carillon_deliveries_ended_total\{(.*)\} (\d+)$/gm)) {
      const label = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(labels)?.[1];
      ends[[role.name, label("channel"), label("state"), label("reason")].join(" ")] = Number(count);
    }
  }
  return ends;
}

const EXPIRED = /^(dispatcher-webpush|relay) webpush expired throttled$/;
const MARKETING = NotificationClass.NOTIFICATION_CLASS_MARKETING;

test("every end is counted once, by the role that recorded it, with a reason code", async () => {
  await using system = await startSystem({ PROVIDER_DEADLINE_MS: "2000", UNCERTAIN_WAIT_MS: "2000" });
  const { faults } = system.sandbox;
  faults.order({ provider: "fcm", do: { kind: "no-answer" } });
  faults.order({ provider: "webpush", times: 100, do: { kind: "answer", status: 429, headers: { "retry-after": "3600" } } });
  const [grace, optedOutNumber] = [fresh("grace"), phone(freshNumber())];
  await register(system, grace, mail(`${grace}@example.com`));
  await optOut(system, optedOutNumber);

  await send(system, { recipient: toEndpoint({ channel: "apns", token: `${freshToken().slice(4)}dead` }) });
  await send(system, { recipient: toEndpoint({ channel: "apns", token: freshToken() }) });
  // Of pushes, only marketing is not repeated when its outcome is unknown.
  await send(system, { recipient: toEndpoint(freshEndpoint("fcm", system.sandbox)), notificationClass: MARKETING });
  await send(system, { recipient: toEndpoint(freshEndpoint("webpush", system.sandbox)), expiresAt: new Date(Date.now() + 10_000) });
  await send(system, { recipient: toEndpoint(optedOutNumber) });
  // SMS is requested, and this user has no number.
  await send(system, { recipient: toUser(grace), channels: [4, 5] });

  const expected = {
    "dispatcher-apns apns failed endpoint-gone": 1,
    "dispatcher-apns apns sent none": 1,
    "relay fcm failed outcome-unknown": 1,
    "gateway sms suppressed opted-out": 1,
    "gateway sms suppressed no-endpoint": 1,
    "feedback email delivered none": 1,
  };
  await eventually("all have ended", async () => {
    const ends = await endsOf(system);
    return Object.keys(expected).every((end) => end in ends) && Object.keys(ends).some((end) => EXPIRED.test(end));
  });
  // A receipt may arrive before the answer: then feedback records "sent", or "delivered" at once.
  const all = Object.entries(await endsOf(system));
  // Whoever comes first after the expiry records it.
  assert.deepEqual(
    all.filter(([end]) => EXPIRED.test(end)).map(([, count]) => count),
    [1],
  );
  const {
    "dispatcher-email email sent none": answered = 0,
    "feedback email sent none": reported = 0,
    ...ends
  } = Object.fromEntries(all.filter(([end]) => !EXPIRED.test(end)));
  assert.ok(answered + reported <= 1, `counted as sent by the dispatcher ${answered}, by feedback ${reported} times`);
  assert.deepEqual(ends, expected);
});
