import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import { StoreError } from "../../adapters/store/store-error.ts";
import { endpointSubject } from "../../core/preferences/opt-out.ts";
import { RETRY_DELAYS_MS } from "../../core/webhooks/answer.ts";
import { removeWebhook, rotateWebhookSecret, setWebhook } from "../../operations/apps/webhooks.ts";
import { startUnwantedServer } from "../../test/support/unwanted-server.ts";
import { verified, type WebhookReceiver } from "../../test/support/webhook-receiver.ts";
import { APP, KEYS, webhookWorld } from "../../test/support/webhook-world.ts";
import { CALL_MS_MAX, CALLS_MAX } from "./call.ts";
import { LEASE_MS } from "./keep-webhooks.ts";

const HOUR_MS = 3_600_000;
const idsOf = ({ calls }: WebhookReceiver) => calls.map(({ id }) => id);
const nothingIsLeft = (store: { webhooks: { oldest(): Promise<unknown> } }) => async () => (await store.webhooks.oldest()) === undefined;

test("each change reaches each endpoint once, signed as receivers verify it, without addresses", async () => {
  await using world = await webhookWorld();
  const { store, secrets } = world;
  const [first, second] = [await world.addEndpoint("first"), await world.addEndpoint("second")];
  const phone = { channel: "sms", phoneNumber: "+821012345678" } as const;
  const id = endpointId(phone);
  await store.contacts.register({ app: APP, userId: "u1", endpointId: id, endpoint: phone, registeredAt: 1 });
  await world.change("u1", { origin: { actor: "ann@example.com", source: "support", evidence: "letter of ann@example.com" } });
  const block = { kind: "stop", reason: "STOP by +821012345678", source: "twilio", at: world.clock.now() } as const;
  await store.preferences.update(APP, endpointSubject(id), { block: [block], origin: { source: "inbound-sms" } }, world.clock.now());
  world.startRelay();
  await world.until("all are told", nothingIsLeft(store));
  for (const [name, receiver] of Object.entries({ first, second })) {
    assert.deepEqual([receiver.calls.length, new Set(idsOf(receiver)).size], [2, 2]);
    const bodies = receiver.calls.map((call) => verified(secrets[name]!, call));
    const ofUser = bodies.find(({ data }) => data.userId !== undefined)!;
    const at = new Date(world.clock.now()).toISOString().slice(0, 10);
    assert.equal(ofUser.type, "preference.changed");
    assert.deepEqual(
      { ...ofUser.data, at: String(ofUser.data.at).slice(0, 10) },
      {
        ...{ app: APP, userId: "u1", version: 1, at, actor: "…", source: "support" },
        before: { optOuts: [], consents: [], blocks: [] },
        after: { optOuts: [{ channel: "sms", category: "ads" }], consents: [], blocks: [] },
      },
    );
    const { data } = bodies.find(({ data }) => data.endpoint !== undefined)!;
    assert.deepEqual([data.endpoint, data.userIds], [{ id, channel: "sms", masked: "+82…78" }, ["u1"]]);
    assert.deepEqual((data.after as { blocks: object[] }).blocks, [
      { kind: "stop", source: "twilio", at: new Date(block.at).toISOString() },
    ]);
    assert.doesNotMatch(receiver.calls.map(({ body }) => body).join(), /example\.com|8210/);
  }
  assert.throws(() => verified(secrets.first!, second.calls[0]!), /signature/i, "each endpoint has a secret of its own");
});

test("a failed call is repeated by the schedule with the same id, then the event is given up", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  receiver.behave = 500;
  await world.change("u1");
  const began = world.clock.now();
  world.startRelay();
  const times: number[] = [];
  await world.until(
    "it is given up",
    async () => {
      while (times.length < receiver.calls.length) times.push(world.clock.now() - began);
      return nothingIsLeft(world.store)();
    },
    HOUR_MS / 4,
  );
  assert.equal(receiver.calls.length, RETRY_DELAYS_MS.length + 1);
  assert.equal(new Set(idsOf(receiver)).size, 1);
  const planned = RETRY_DELAYS_MS.reduce((sum, delay) => sum + delay, 0);
  assert.ok(times.at(-1)! >= planned && times.at(-1)! < planned + 4 * HOUR_MS, `${times}`);
  assert.match(world.lines.join(""), /gave up telling an app/);
  assert.match(await world.metrics(), /carillon_app_webhook_given_up_total\{[^}]*\} 1\n/);
  assert.notEqual((await world.endpoint("hook"))?.failingSince, undefined);
});

test("an endpoint that works again is not failing any more, and gets what it missed", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  receiver.behave = { status: 302, headers: { location: receiver.url } };
  for (let i = 0; i < 10; i++) await world.change(`u${i}`);
  world.startRelay();
  await world.until("a redirect was answered, and not followed", () => receiver.calls.length >= CALLS_MAX);
  await world.until("it counts as failing", async () => (await world.endpoint("hook"))?.failingSince !== undefined);
  receiver.behave = 204;
  await world.until("all are told", nothingIsLeft(world.store), 10_000);
  assert.equal(new Set(idsOf(receiver)).size, 10);
  await world.until("it is not failing", async () => (await world.endpoint("hook"))?.failingSince === undefined);
  assert.match(world.lines.join(""), /a webhook endpoint began to fail.*works again/s);
});

test("an endpoint that hangs delays no other, and gets few calls at once", async () => {
  await using world = await webhookWorld();
  const [hanging, other] = [await world.addEndpoint("hanging"), await world.addEndpoint("other")];
  hanging.behave = "hang";
  for (let i = 0; i < 30; i++) await world.change(`u${i}`);
  world.startRelay();
  await world.until("the other one has all, while the first hangs", () => other.calls.length === 30);
  await world.until("its calls hang", () => hanging.held() > 0);
  assert.ok(hanging.heldMax() <= CALLS_MAX);
  await world.until("they end at their deadline", () => hanging.held() === 0, CALL_MS_MAX);
  await world.until("it is tried again", () => hanging.held() > 0);
  let rounds = 0;
  await world.until("some rounds have passed", () => rounds++ > 10);
  assert.equal(hanging.held(), 1, "one at a time while it fails");
  hanging.behave = 200;
  await world.until("all are told", nothingIsLeft(world.store), 10_000);
  assert.equal(new Set(idsOf(hanging)).size, 30);
  assert.equal(other.calls.length, 30, "once each");
});

test("410 disables an endpoint: nothing more is kept for it until it is set again", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  receiver.behave = 410;
  for (let i = 0; i < 6; i++) await world.change(`u${i}`);
  world.startRelay();
  await world.until("nothing is left", nothingIsLeft(world.store));
  assert.equal((await world.endpoint("hook"))?.disabled?.why, "gone");
  assert.match(world.lines.join(""), /a webhook endpoint was disabled/);
  await world.change("later");
  assert.equal(await world.store.webhooks.oldest(), undefined);
  receiver.behave = 200;
  const told = receiver.calls.length;
  const { secret } = await setWebhook(world.store, APP, { name: "hook", url: receiver.url }, KEYS);
  assert.equal(secret, undefined, "it keeps its secret");
  await world.change("after");
  await world.until("it is told again", nothingIsLeft(world.store));
  assert.equal((verified(world.secrets.hook!, receiver.calls[told]!).data as { userId: string }).userId, "after");
});

test("an overloaded endpoint is left alone for as long as it asks, all its events", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  receiver.behave = { status: 503, headers: { "retry-after": "1800" } };
  await world.change("u0");
  world.startRelay();
  await world.until("it says so", async () => /result="overloaded"/.test(await world.metrics()));
  await world.until("the event is postponed", async () => (await world.endpoint("hook"))?.failingSince !== undefined);
  const until = world.clock.now() + 1_800_000;
  receiver.behave = 204;
  for (let i = 1; i < 5; i++) await world.change(`u${i}`);
  await world.until("it is called again", () => receiver.calls.length > 1, 20_000);
  assert.ok(world.clock.now() >= until - 1_000, `${until - world.clock.now()} ms too early`);
  await world.until("all are told", nothingIsLeft(world.store), 20_000);
});

test("an endpoint that fails for five days is disabled, a day after the log said that it will be", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  receiver.behave = 404;
  world.startRelay();
  let changedAt = 0;
  await world.until(
    "it is disabled",
    async () => {
      // One for each step of the clock, which stands still during a call.
      if (changedAt !== world.clock.now()) {
        changedAt = world.clock.now();
        await world.change(`u${changedAt}`);
      }
      return (await world.endpoint("hook"))?.disabled?.why === "failing";
    },
    6 * HOUR_MS,
  );
  const said = world.lines.filter((line) => /webhook endpoint/.test(line)).map((line) => JSON.parse(line).msg as string);
  assert.deepEqual(
    said.map((line) => /began to fail|will be disabled|was disabled/.exec(line)?.[0]),
    ["began to fail", "will be disabled", "was disabled"],
  );
});

test("an answer that is too long is not read, and counts as a failure", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  receiver.behave = { status: 200, body: "x".repeat(1_000_000) };
  await world.change("u0");
  world.startRelay();
  await world.until("it failed", async () => /result="failed",[^}]*\} 1/.test(await world.metrics()));
  receiver.behave = 200;
  await world.until("all are told", nothingIsLeft(world.store));
});

test("an internal address is never called, whatever the URL says", async () => {
  await using world = await webhookWorld({ allowed: [] });
  await using server = await startUnwantedServer();
  for (const [name, host] of Object.entries({ name: "localhost", address: "127.0.0.1", mapped: "[::ffff:127.0.0.1]" }))
    await world.addEndpoint(name, `https://${host}:${server.port}/`);
  await world.change("u0");
  world.startRelay();
  await world.until("each call failed", async () =>
    (await world.store.webhooks.find(APP)).every(({ failingSince }) => failingSince !== undefined),
  );
  assert.equal(server.connections, 0);
  assert.match(world.lines.join(""), /address-not-allowed/);
});

test("while a secret is replaced both sign, and afterwards the new one alone", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  const [old, end] = [world.secrets.hook!, world.clock.now() + HOUR_MS];
  const secret = await rotateWebhookSecret(world.store, APP, { name: "hook", overlapMs: HOUR_MS, now: world.clock.now() }, KEYS);
  await world.change("u0");
  world.startRelay();
  await world.until("it is told", nothingIsLeft(world.store));
  for (const one of [old, secret]) assert.equal(verified(one, receiver.calls[0]!).type, "preference.changed");
  await world.until("the overlap has passed", () => world.clock.now() > end, 60_000);
  await world.change("u1");
  await world.until("it is told", nothingIsLeft(world.store));
  const { headers } = receiver.calls[1]!;
  assert.equal(headers["webhook-signature"]!.split(" ").length, 1);
});

test("what a relay was sending when it ended is sent by the next one, with the same id, and by one at a time", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  receiver.behave = "hang";
  await world.change("u0");
  const first = world.startRelay();
  world.startRelay();
  await world.until("the call hangs", () => receiver.held() === 1);
  await first.stop();
  receiver.behave = 204;
  await world.until("all are told", nothingIsLeft(world.store), LEASE_MS / 4);
  assert.deepEqual([new Set(idsOf(receiver)).size, receiver.heldMax()], [1, 1]);
});

test("without the key that sealed its secret an endpoint waits, counts as no failure, and is told once the key is back", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  await world.change("u0");
  let keys = ["another key of thirty-two characters"];
  world.startRelay(() => keys);
  await world.until("the log says so", () => /because of us.*/.test(world.lines.join("")));
  assert.match(world.lines.join(""), /WEBHOOK_KEYS_FILE/);
  assert.deepEqual([receiver.calls.length, (await world.endpoint("hook"))?.failingSince], [0, undefined]);
  keys = [...keys, ...KEYS];
  await world.until("all are told", nothingIsLeft(world.store));
  assert.equal(verified(world.secrets.hook!, receiver.calls[0]!).type, "preference.changed");
});

test("an event of which the store did not take the end is sent again, with the same id", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  await world.change("u0");
  const { webhooks } = world.store;
  const { end } = webhooks;
  webhooks.end = async () => {
    webhooks.end = end;
    throw new StoreError("the store is away");
  };
  world.startRelay();
  await world.until("all are told", nothingIsLeft(world.store));
  assert.deepEqual([receiver.calls.length, new Set(idsOf(receiver)).size], [2, 1]);
});

test("events of an endpoint that is removed are not told", async () => {
  await using world = await webhookWorld();
  const receiver = await world.addEndpoint("hook");
  await world.change("u0");
  assert.equal(await removeWebhook(world.store, APP, "hook"), 1);
  const other = await world.addEndpoint("other");
  await world.change("u1");
  world.startRelay();
  await world.until("all are told", nothingIsLeft(world.store));
  assert.deepEqual([receiver.calls.length, other.calls.length], [0, 1]);
});
