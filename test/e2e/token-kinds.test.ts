// Tokens of their own kind: PushKit's, those of Live Activities, and Firebase installation ids, from registration to what arrived.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { contentToProto } from "../../core/content/content.ts";
import type { LiveActivity } from "../../core/content/live-activity.ts";
import type { PushContent } from "../../core/content/push-content.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { ContactServiceService } from "../../gen/carillon/v1/contact_service.ts";
import { arrivedAt, valueAt } from "../../providers/content-fields/arrived.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, freshEndpoint, freshTokenOf } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { CRITICAL, ended, optOut, register, rejectionOf, send, settled, toEndpoint, toUser } from "./calls.ts";

let system: TestSystem;
before(async () => {
  // The shortest waits in doubt.
  system = await startSystem({ UNCERTAIN_WAIT_CRITICAL_MS: "1000", UNCERTAIN_WAIT_MS: "1000" });
});
after(() => system?.[Symbol.asyncDispose]());

const pushOf = (over: Partial<PushContent>) => contentToProto({ push: { title: "", body: "", data: {}, ...over } });
const activity = (over: Partial<LiveActivity>) => pushOf({ liveActivity: { event: "update", contentState: { eta: 5 }, ...over } });
const entriesOf = (deliveryId: string) => system.sandbox.ledger.entries({ deliveryId });

test("each of a user's tokens gets what it is for, and nothing else", async () => {
  const user = fresh("rose");
  const ordinary = freshEndpoint("apns", system.sandbox);
  const tokens = [ordinary, freshTokenOf("voip"), freshTokenOf("live-activity"), freshTokenOf("live-activity-start")];
  for (const endpoint of [...tokens, freshEndpoint("fcm", system.sandbox)]) await register(system, user, endpoint);
  const start = { event: "start", attributesType: "Flight", attributes: { number: "CR 12" } } as const;
  for (const [content, to, types] of [
    [pushOf({ title: "Order" }), ["apns", "fcm"], ["alert"]],
    [pushOf({ voip: true, data: { call: "17" } }), ["apns"], ["voip"]],
    [activity({}), ["apns"], ["liveactivity"]],
    [activity(start), ["apns"], ["liveactivity"]],
  ] as const) {
    const { notificationId } = await send(system, { recipient: toUser(user), content });
    const [record] = await settled(system, [notificationId]);
    assert.deepEqual(
      record!.deliveries.map(({ channel, state }) => `${channel} ${state}`).sort(),
      to.map((channel) => `${channel} sent`),
    );
    const [apns, ...more] = record!.deliveries.filter(({ channel }) => channel === "apns").flatMap(({ id }) => entriesOf(id));
    assert.deepEqual([more.length, apns?.headers["apns-push-type"]], [0, types[0]]);
  }
});

test("a call never rings twice and a Live Activity never starts twice, though it is critical and its outcome unknown", async () => {
  const start = activity({ event: "start", attributesType: "Flight", attributes: {} });
  const cases = [
    [freshTokenOf("voip"), pushOf({ voip: true }), "failed", 1],
    [freshTokenOf("live-activity-start"), start, "failed", 1],
    // What a copy replaces, as a measure: it is sent again.
    [freshEndpoint("apns", system.sandbox), pushOf({ title: "Order" }), "sent", 2],
    [freshTokenOf("live-activity"), activity({}), "sent", 2],
  ] as const;
  for (const [endpoint] of cases)
    if (endpoint.channel === "apns") system.sandbox.faults.order({ provider: "apns", match: endpoint.token, do: { kind: "cut-after" } });
  const deliveries = await Promise.all(
    cases.map(async ([endpoint, content]) => {
      const accepted = await send(system, { recipient: toEndpoint(endpoint), content, notificationClass: CRITICAL });
      return ended(system, accepted);
    }),
  );
  for (const [i, { state, reason, id }] of deliveries.entries()) {
    const [, , expected, sends] = cases[i]!;
    assert.deepEqual([state, entriesOf(id).length], [expected, sends], reason?.code);
    if (expected === "failed") assert.equal(reason?.code, "outcome-unknown");
  }
});

test("a Live Activity's content keeps its time over retries, and a rate of Apple's is waited for", async () => {
  const endpoint = freshTokenOf("live-activity");
  const answer = { kind: "answer", status: 429, body: { reason: "TooManyRequests" } } as const;
  system.sandbox.faults.order({ provider: "apns", match: endpoint.token, do: answer });
  const from = Math.floor(Date.now() / 1000);
  const accepted = await send(system, { recipient: toEndpoint(endpoint), content: activity({ relevanceScore: 75 }) });
  const { state, id } = await ended(system, accepted);
  const times = entriesOf(id).map((entry) => valueAt(arrivedAt(entry), "aps.timestamp"));
  assert.deepEqual([state, times.length, times[0] === times[1]], ["sent", 2, true]);
  assert.ok(Number(times[0]) >= from && Number(times[0]) <= Math.floor(accepted.acceptedAt!.getTime() / 1000), String(times[0]));
});

test("an opt-out holds for a token, whatever it was said to be for", async () => {
  for (const [endpoint, content] of [
    [freshTokenOf("voip"), pushOf({ voip: true })],
    [{ channel: "fcm", token: fresh("cAb"), kind: "installation" }, pushOf({ title: "Order" })],
  ] as const) {
    await optOut(system, { ...endpoint, kind: undefined } as Endpoint);
    await eventually("the opt-out is known", async () => {
      const [delivery] = (await send(system, { recipient: toEndpoint(endpoint), content })).deliveries;
      return delivery?.suppressedReason?.code === "opted-out";
    });
  }
});

test("a Firebase installation id is sent to as one, and forgotten once FCM knows it no more", async () => {
  const user = fresh("rose");
  const id = fresh("cAb_-unregistered");
  for (const token of [fresh("cAb_-"), id]) await register(system, user, { channel: "fcm", token, kind: "installation" });
  const [record] = await settled(system, [
    (await send(system, { recipient: toUser(user), content: pushOf({ title: "Order" }) })).notificationId,
  ]);
  assert.deepEqual(record!.deliveries.map(({ state }) => state).sort(), ["failed", "sent"]);
  for (const { id: deliveryId } of record!.deliveries) {
    const [entry] = entriesOf(deliveryId);
    assert.equal(valueAt(arrivedAt(entry!), "token"), undefined);
    assert.equal(valueAt(arrivedAt(entry!), "fid"), entry!.recipient);
  }
  await eventually("the dead one is removed", async () => {
    const { contacts } = await callUnary(system.clients.contacts, ContactServiceService.listContacts, { userId: user });
    return contacts.length === 1 && contacts[0]!.endpointKind === "fcm_installation_id";
  });
});

test("a push that is not for the token is told before acceptance, with the field", async () => {
  const refused = async (endpoint: Endpoint, over: Partial<PushContent>) =>
    JSON.stringify(await rejectionOf(send(system, { recipient: toEndpoint(endpoint), content: pushOf(over) })));
  assert.match(
    await refused(freshTokenOf("voip"), { title: "Order" }),
    /recipient\.endpoint.*apns_voip_token, which takes content\.push\.voip/,
  );
  assert.match(await refused(freshEndpoint("apns", system.sandbox), { voip: true }), /apns_token, which takes neither/);
  assert.match(await refused(freshEndpoint("fcm", system.sandbox), { voip: true }), /content\.push\.voip.*apns alone/);
  assert.match(await refused(freshTokenOf("live-activity"), { liveActivity: { event: "start" } }), /attributes_type and attributes/);
});
