import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { createOptOutReader } from "../adapters/opt-outs/opt-out-reader.ts";
import { connectRedis } from "../adapters/redis/connect.ts";
import { toTask } from "../core/delivery/task.ts";
import { endpointSubject, OPT_OUTS_MAX, userSubject } from "../core/preferences/opt-out.ts";
import { classifyMandrill } from "../providers/mandrill/classify.ts";
import { classifyTwilio } from "../providers/twilio/classify.ts";
import { createLogger } from "../runtime/logger.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { eventually } from "../test/support/eventually.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { startRedis } from "../test/support/servers.ts";

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

test("what is known already makes no new version", async () => {
  const { dispatch } = world.setUp({ providers: [scriptedProvider("twilio", stopped)] });
  await dispatch(world.task(), "h");
  const again = sampleNotification("two", world.clock.now());
  await world.store.notifications.insert([again]);
  await dispatch(toTask(again, again.deliveries[0]!), "h");
  assert.equal((await world.store.notifications.find(again.id))?.deliveries[0]?.reason?.code, "stopped");
  assert.equal((await recordOf(endpointOf()))?.version, 1);
});

test("who has too many choices for one more is unsubscribed from every mail", async () => {
  const optOut = Array.from({ length: OPT_OUTS_MAX }, (_, n) => ({ channel: "email", category: `c${n}` }) as const);
  await world.store.preferences.update("app", userSubject("ada"), { optOut, origin: {} }, world.clock.now());
  const { dispatch } = world.setUp({ providers: [scriptedProvider("mandrill", () => refusedBy("unsub"))] });
  await dispatch(world.task(), "h");
  assert.deepEqual((await recordOf(userSubject("ada")))?.optOuts.at(-1), { channel: "email", category: "*" });
});

test("it is kept by way of Redis, so that a write that is late is obeyed", async () => {
  const { store, clock, lines } = world;
  const changed: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const { preferences: real, apps, profiles } = store;
  await using redis = await startRedis();
  await using connection = await connectRedis(redis.url, { log });
  const late = Promise.withResolvers<void>();
  const update: typeof real.update = async (...change) => {
    changed.push(change[1]);
    await late.promise;
    return real.update(...change);
  };
  await using reader = createOptOutReader({ store: { ...real, update }, apps, profiles, redis: connection, clock, log });
  const { dispatch } = world.setUp({ providers: [scriptedProvider("twilio", stopped)], preferences: reader.preferences });
  const ending = dispatch(world.task(), "h");
  await eventually("the write is under way", async () => changed.length === 1);
  const keys = await connection.keys("carillon:opt-out:{*}");
  const members = (await Promise.all(keys.map((key) => connection.smembers(key)))).flat();
  assert.deepEqual([members.length, await recordOf(endpointOf())], [1, undefined]);
  late.resolve();
  await ending;
  assert.equal((await recordOf(endpointOf()))?.blocks.length, 1);
});
