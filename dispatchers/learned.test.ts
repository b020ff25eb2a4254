import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { endpointSubject, userSubject } from "../core/preferences/opt-out.ts";
import { classifyMandrill } from "../providers/mandrill/classify.ts";
import { classifyTwilio } from "../providers/twilio/classify.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";

const world = useDispatchWorld();
const stopped = () => classifyTwilio({ status: 400, code: 21610, retryAfterMs: undefined });
const refusedBy = (reject_reason: string) =>
  classifyMandrill({ status: 200, body: [{ email: "a@b.example", status: "rejected", reject_reason, _id: "1" }], retryAfterMs: undefined });

const recordOf = async (subject: string) => (await world.store.preferences.find("app", [subject]))[0];
const endpointOf = () => endpointSubject(endpointId(world.notification.deliveries[0]!.endpoint!));

test("21610 ends the delivery as stopped, blocks that sender, and leaves the number registered; no other provider is tried", async () => {
  const providers = [scriptedProvider("twilio", stopped), scriptedProvider("vonage", () => ({ kind: "accepted", providerRef: "r" }))];
  const { dispatch, sent } = world.setUp({ providers });
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack" });
  const { state, reason } = await world.delivery();
  assert.deepEqual([state, reason, sent().length], ["failed", { code: "stopped", detail: "21610" }, 1]);
  const record = await recordOf(endpointOf());
  assert.partialDeepStrictEqual(record?.blocks, [{ kind: "stop", pool: "", reason: "21610", source: "twilio" }]);
  assert.equal((await world.store.contacts.list("app", ["ada"])).length, 1);
});

const MANDRILL: [reason: string, code: string][] = [
  ["hard-bounce", "bounced"],
  ["spam", "complained"],
  ["unsub", "opted-out"],
];

for (const [why, code] of MANDRILL)
  test(`Mandrill's ${why} ends the delivery as ${code}, and is kept`, async () => {
    const { dispatch } = world.setUp({ providers: [scriptedProvider("mandrill", () => refusedBy(why))] });
    await dispatch(world.task(), "h");
    assert.deepEqual((await world.delivery()).reason, { code, detail: why });
    const [endpoint, user] = [await recordOf(endpointOf()), await recordOf(userSubject("ada"))];
    if (why === "unsub") assert.deepEqual(user?.optOuts, [{ channel: "email", category: "orders" }]);
    else assert.equal(endpoint?.blocks[0]?.reason, why);
  });

test("where it cannot be kept, the delivery ends all the same", async () => {
  const update = async () => Promise.reject(new Error("away"));
  world.store = { ...world.store, preferences: { ...world.store.preferences, update } };
  const { dispatch } = world.setUp({ providers: [scriptedProvider("twilio", stopped)] });
  await dispatch(world.task(), "h");
  assert.equal((await world.delivery()).reason?.code, "stopped");
  assert.match(world.lines.join(""), /could not be kept/);
});
