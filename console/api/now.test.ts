import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import { createSharedCircuits } from "../../adapters/redis/shared-circuits.ts";
import { startTestApi, type TestApi } from "../../test/support/console-api.ts";
import { eventually } from "../../test/support/eventually.ts";
import { startNats, startRedis } from "../../test/support/servers.ts";
import { sampleAttempt, sampleChange, sampleNotification } from "../../test/support/store/samples.ts";
import type { Accounts } from "../view-accounts.ts";
import type { Now } from "../view-now.ts";

const REASON = { code: "misconfigured", detail: "region-not-enabled" } as const;

/** Accepted two minutes ago, and rejected by its provider since. */
async function addWaiting({ store }: TestApi) {
  await store.apps.change("shop", (before) => ({ channels: ["sms"], limits: {}, keys: [], ...before }));
  const now = await store.time();
  const times = { acceptedAt: now - 120_000, sendAt: now - 120_000, expiresAt: now + 3_600_000 };
  const n = sampleNotification([now + 60_000], times);
  await store.notifications.insert([n]);
  await store.notifications.change([sampleChange(n, 0, { reason: REASON })]);
  return n;
}

const readNow = (api: TestApi, what: string, is: (now: Now) => boolean): Promise<Now> => {
  let last: Now | undefined;
  return eventually(what, async () => {
    last = await api.get<Now>("/api/now");
    return is(last);
  }).then(() => last!);
};

test("what waits is counted with why and since when, and told as one incident", async () => {
  await using api = await startTestApi();
  await addWaiting(api);
  const now = await readNow(api, "the promises were checked", ({ checked }) => checked !== undefined);
  const [first] = now.channels;
  assert.partialDeepStrictEqual(first, {
    channel: "sms",
    waiting: 1,
    retrying: 0,
    misconfigured: 1,
    inDoubt: 0,
    recent: { accepted: 1, states: { pending: 1 } },
  });
  assert.ok(first?.oldestAt !== undefined && now.now - first.oldestAt >= 120_000);
  assert.partialDeepStrictEqual(first?.why, [{ count: 1, reason: "misconfigured", details: [{ text: "region-not-enabled", count: 1 }] }]);
  assert.equal(now.incidents.length, 1);
  const [incident] = now.incidents;
  assert.match(incident?.title ?? "", /^SMS waits: The provider rejected our credentials or settings/);
  assert.match(incident?.advice ?? "", /^Correct it at the provider or in the configuration: region-not-enabled\. It is retried/);
  assert.equal(incident?.link, "/find#state=pending&channel=sms&reason=misconfigured");
  assert.deepEqual(
    now.promises.map(({ state }) => state),
    ["held", "held", "unchecked", "unchecked"],
  );
  assert.equal(now.promises[0]?.words, "1 accepted = 0 ended + 1 open, each with its next step");
  assert.equal(now.checked?.notifications, 1);
  assert.equal(now.failed, 0);
});

test("without traffic nothing is claimed, and nothing is wrong", async () => {
  await using api = await startTestApi();
  const now = await readNow(api, "the promises were checked", ({ checked }) => checked !== undefined);
  assert.deepEqual([...new Set(now.promises.map(({ state }) => state))], ["unchecked"]);
  assert.deepEqual([now.incidents, now.moreIncidents], [[], 0]);
  assert.deepEqual(
    now.channels.map(({ waiting, oldestAt }) => [waiting, oldestAt]),
    Array(5).fill([0, undefined]),
  );
});

test("a promise that was broken comes after what is wrong now, with what broke it", async () => {
  await using api = await startTestApi();
  const n = await addWaiting(api);
  for (const number of [1, 2]) {
    const { id, worker } = sampleAttempt({ deliveryId: n.deliveries[0]!.id, number });
    await api.store.attempts.claim([sampleAttempt({ deliveryId: n.deliveries[0]!.id, number })]);
    await api.store.attempts.record([
      { id, worker, outcome: { kind: "accepted", providerRef: `r${number}` }, answeredAt: n.acceptedAt + number },
    ]);
  }
  await api.store.notifications.change([sampleChange(n, 0, { attempt: 2 } as never)]);
  const now = await readNow(api, "the break was confirmed", ({ promises }) => promises[1]?.state === "broken");
  assert.deepEqual(
    now.incidents.map(({ kind, title }) => [kind, title.replace(/:.*/, "")]),
    [
      ["fault", "SMS waits"],
      ["past", "Not held"],
    ],
  );
  assert.partialDeepStrictEqual(now.incidents[1], {
    link: `/notifications/${n.id}`,
    examples: [n.id],
    title: "Not held: nothing is sent twice",
  });
  assert.deepEqual(now.promises[1], { ...now.promises[1], state: "broken", examples: [n.id] });
});

test("circuits are shown with their state, reason and since when; without Redis they are not known", async () => {
  await using server = await startRedis();
  await using stack = new AsyncDisposableStack();
  const redis = stack.adopt(new Redis(server.url), (connection) => connection.disconnect());
  await using api = await startTestApi({ redisUrl: server.url });
  await addWaiting(api);
  const at = Date.now();
  const open = { since: at - 90_000, times: 3, fault: "setup", reason: REASON } as const;
  const sms = createSharedCircuits(redis, "sms");
  await sms.write("twilio/default account", { at, open: { ...open, until: at + 600_000, criticalUntil: at + 30_000 } });
  await sms.write("twilio/default country +82", { at, open: { ...open, since: at - 10_000, until: at - 1, criticalUntil: at - 1 } });
  await sms.write("vonage/default account", { at });
  const now = await readNow(api, "the circuits are read", ({ circuits }) => circuits?.notClosed.length === 2);
  assert.deepEqual(
    now.circuits?.notClosed.map(({ channel, account, part, state, since, tag }) => [channel, account, part, state, since, tag]),
    [
      ["sms", "twilio/default", "account", "open", at - 90_000, "misconfigured: region-not-enabled"],
      ["sms", "twilio/default", "country +82", "half-open", at - 10_000, "misconfigured: region-not-enabled"],
    ],
  );
  assert.equal(now.circuits?.closed, 1);
  assert.deepEqual(
    now.incidents.map(({ title, drain }) => [title, drain]),
    [["SMS by twilio/default is not sent", "twilio/default"]],
  );
  assert.match(now.incidents[0]?.text ?? "", /\. 1 delivery on SMS waits for another attempt/);
  assert.deepEqual(now.targets, ["app:shop", "account:twilio/default", "account:vonage/default"]);
  await server.stop();
  assert.equal((await readNow(api, "they cannot be read", ({ circuits }) => circuits === undefined)).channels[0]?.waiting, 1);
});

test("accounts are those that a call, a circuit, a pause or an app names, with what is known of each", async () => {
  await using api = await startTestApi();
  const n = await addWaiting(api);
  await api.store.attempts.claim([sampleAttempt({ deliveryId: n.deliveries[0]!.id, startedAt: n.acceptedAt, account: "eu" })]);
  await api.store.apps.change("shop", (before) => ({ ...before!, accounts: { vonage: "kr" } }));
  await api.store.steering.put({ target: { kind: "account", value: "sendgrid" }, state: "paused", actor: "ada", reason: "blocked", at: 0 });
  let accounts: Accounts | undefined;
  await eventually("the calls were counted", async () => {
    accounts = await api.get<Accounts>("/api/accounts");
    return accounts.checked !== undefined;
  });
  assert.deepEqual(
    accounts?.accounts.map(({ provider, account, calls, steered, apps }) => [provider, account, calls?.made, steered?.state, apps]),
    [
      ["twilio", "eu", 1, undefined, []],
      ["vonage", "kr", undefined, undefined, ["shop"]],
      ["sendgrid", "default", undefined, "paused", []],
    ],
  );
  assert.equal(accounts?.isCircuitsKnown, false);
  assert.ok(accounts?.unseen.some(({ provider }) => provider === "mandrill"));
});

test("NATS that is away comes before what waits; what is known of it is said", async () => {
  await using nats = await startNats();
  await using api = await startTestApi({ natsUrl: nats.url });
  await addWaiting(api);
  await readNow(api, "NATS is there", ({ isNatsConnected }) => isNatsConnected === true);
  await nats.stop();
  const now = await readNow(api, "NATS is away", ({ isNatsConnected }) => isNatsConnected === false);
  assert.deepEqual(
    now.incidents.map(({ title }) => title.replace(/:.*/, "")),
    ["NATS cannot be reached", "SMS waits"],
  );
  assert.match(now.incidents[0]?.text ?? "", /0 notifications are due/);
  await nats.restart();
  await readNow(
    api,
    "it is back",
    ({ isNatsConnected, incidents }) => isNatsConnected === true && incidents[0]?.title !== "NATS cannot be reached",
  );
  await using blind = await startTestApi();
  assert.equal((await blind.get<Now>("/api/now")).isNatsConnected, undefined);
});

test("the apps with the most open are counted, that with the most first", async () => {
  await using api = await startTestApi();
  const now = await api.store.time();
  const times = { acceptedAt: now, sendAt: now, expiresAt: now + 3_600_000 };
  for (const [app, count] of [
    ["quiet", 0],
    ["shop", 1],
    ["news", 3],
  ] as const) {
    await api.store.apps.change(app, () => ({ channels: ["sms"], limits: {}, keys: [] }));
    await api.store.notifications.insert(Array.from({ length: count }, () => sampleNotification([now], { app, ...times })));
  }
  const { busiest, busy, isBusyCut } = await api.get<Now>("/api/now");
  assert.deepEqual(busiest, [
    { app: "news", open: 3, isCut: false },
    { app: "shop", open: 1, isCut: false },
  ]);
  assert.deepEqual([busy, isBusyCut], [2, false]);
});
