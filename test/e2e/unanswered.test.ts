// Calls of a provider that get no answer: what resolves them, and what is sent once more.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stateFromProto } from "../../adapters/wire/convert.ts";
import { freshEndpoint } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { CRITICAL, ended, get, send, settled, toEndpoint } from "./calls.ts";

let system: TestSystem;
before(async () => {
  // A provider call times out after two seconds instead of ten: long enough for the calls that are answered, on a busy machine too.
  system = await startSystem({ PROVIDER_DEADLINE_MS: "2000" });
});
after(() => system?.[Symbol.asyncDispose]());

const endpointOn = (channel: "sms" | "email") => freshEndpoint(channel, system.sandbox);
const arrivals = (deliveryId: string) => system.sandbox.ledger.entries({ deliveryId });

test("an unanswered attempt is resolved by its receipt, and not sent again", async () => {
  const endpoint = endpointOn("email");
  const match = endpoint.channel === "email" ? endpoint.address : "";
  system.sandbox.faults.order({ provider: "sendgrid", match, do: { kind: "no-answer" } });
  const accepted = await send(system, { recipient: toEndpoint(endpoint), notificationClass: CRITICAL });
  const [record] = await settled(system, [accepted.notificationId], { is: (d) => d.state === "delivered" });
  const delivery = record!.deliveries[0]!;
  assert.equal(arrivals(delivery.id).length, 1);
  const [attempt] = (await get(system, accepted.notificationId)).deliveries[0]!.attempts;
  assert.deepEqual([attempt!.resolvedOutcome, attempt!.resolvedBy], ["accepted", "receipt"]);
});

test("an unanswered attempt without a receipt is resolved by a status query, and not sent again", async () => {
  const endpoint = endpointOn("email");
  const match = endpoint.channel === "email" ? endpoint.address : "";
  system.sandbox.faults.order({ provider: "sendgrid", match, do: { kind: "no-answer" } });
  system.sandbox.faults.order({ provider: "sendgrid", match, do: { kind: "webhooks", never: true } });
  const accepted = await send(system, { recipient: toEndpoint(endpoint), notificationClass: CRITICAL });
  const delivery = await ended(system, accepted);
  assert.equal(delivery.state, "sent");
  assert.equal(arrivals(delivery.id).length, 1);
  const [reported] = (await get(system, accepted.notificationId)).deliveries;
  assert.deepEqual([reported!.attempts[0]!.outcome, reported!.attempts[0]!.resolvedBy], ["unanswered", "status-query"]);
  assert.ok(reported!.uncertainSince);
});

test("an unresolved transactional delivery stays uncertain and is not sent again; a critical one is resent once", async () => {
  const [quiet, urgent] = [endpointOn("sms"), endpointOn("sms")];
  for (const e of [quiet, urgent])
    for (const order of [{ kind: "no-answer" }, { kind: "webhooks", never: true }] as const)
      system.sandbox.faults.order({ provider: "twilio", match: e.channel === "sms" ? e.phoneNumber.slice(1) : "", do: order });
  system.sandbox.faults.order({ provider: "twilio-status-query", times: 100, do: { kind: "answer", status: 503 } });
  const once = await send(system, { recipient: toEndpoint(quiet) });
  const twice = await send(system, { recipient: toEndpoint(urgent), notificationClass: CRITICAL });

  const repeated = await ended(system, twice, 30_000);
  assert.ok(repeated.state === "sent" || repeated.state === "delivered");
  assert.deepEqual(
    arrivals(repeated.id).map((e) => [e.attemptId, e.accepted]),
    [
      [`${repeated.id}/1`, true],
      [`${repeated.id}/2`, true],
    ],
  );

  // More than ten seconds have passed, in which the other could have been resent too.
  const [reported] = (await get(system, once.notificationId)).deliveries;
  assert.equal(stateFromProto(reported!.state), "uncertain");
  assert.deepEqual(
    reported!.attempts.map((a) => [a.provider, a.outcome]),
    [["twilio", "unanswered"]],
  );
  assert.equal(arrivals(reported!.deliveryId).length, 1);
});
