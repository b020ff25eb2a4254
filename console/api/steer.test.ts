import assert from "node:assert/strict";
import { test } from "node:test";
import { STEERING_FRESH_MS } from "../../core/steering/steering.ts";
import { startTestApi, type TestApi } from "../../test/support/console-api.ts";
import { eventually } from "../../test/support/eventually.ts";
import { loggedActions } from "../../test/support/logged-actions.ts";
import { sampleChange, sampleNotification } from "../../test/support/store/samples.ts";
import type { Said } from "../view-now.ts";

const app = (api: TestApi, id: string, accounts: Record<string, string> = {}) =>
  api.store.apps.change(id, () => ({ channels: ["sms"], limits: {}, keys: [], accounts }));
const steering = async ({ store }: TestApi) =>
  (await store.steering.list()).map(({ target, state, to }) => [`${target.kind}:${target.value}`, state, to].filter(Boolean).join(" "));
const log = async ({ store }: TestApi) => (await loggedActions(store)).map((row) => row.join(" | "));

test("a channel, a class, an app and an account are paused and resumed, each in the log of actions", async () => {
  await using api = await startTestApi();
  await app(api, "shop", { twilio: "eu" });
  for (const target of ["channel:sms", "class:marketing", "app:shop", "account:twilio/eu"]) {
    const paused = await api.post("/api/pause", { target, reason: "It floods" });
    assert.deepEqual(paused, { status: 200, body: { said: `${target} is paused within 5 s.` } });
    assert.deepEqual(await steering(api), [`${target} paused`]);
    const resumed = await api.post("/api/resume", { target, reason: "Over" });
    assert.equal(resumed.body.said, `${target} is resumed; what waited is sent.`);
    assert.deepEqual((await log(api)).slice(0, 2), [
      `mira@example.com | resume | ${target} | Over | resumed`,
      `mira@example.com | pause | ${target} | It floods | paused`,
    ]);
    for (const record of await api.store.steering.list()) await api.store.steering.remove(record);
  }
});

test("a pause may end by itself", async () => {
  await using api = await startTestApi();
  await api.post("/api/pause", { target: "channel:sms", minutes: 30, reason: "r" });
  const [record] = await api.store.steering.list();
  assert.equal(record!.until! - record!.at, 30 * 60_000);
});

test("an account is drained to another provider; where apps would change accounts nothing is done before that is accepted", async () => {
  await using api = await startTestApi();
  await app(api, "shop", { twilio: "eu" });
  const order = { from: "twilio/eu", to: "vonage", reason: "Rejects +82", reevaluate: false };
  const refused = await api.post("/api/drain", order);
  assert.deepEqual(
    (refused.body as unknown as Said).toAccept?.map(({ flag, items }) => [flag, items]),
    [["changeAccounts", ["shop: twilio/eu to vonage/default"]]],
  );
  assert.deepEqual([await steering(api), await log(api)], [[], []]);
  const done = await api.post("/api/drain", { ...order, changeAccounts: true });
  assert.deepEqual(done.body, {
    said: "twilio/eu is drained to vonage within 5 s. Which circuits are open could not be checked: Redis does not answer.",
  });
  assert.deepEqual(await steering(api), ["account:twilio/eu drained vonage"]);
  assert.match((await log(api))[0]!, /^mira@example\.com \| drain \| account:twilio\/eu to vonage \| Rejects \+82 \| drained/);
});

test("where deliveries would wait, or another order stands, nothing is done before that is accepted, and the answer says what it was", async () => {
  const open = {
    since: 0,
    until: 60_000,
    criticalUntil: 0,
    times: 1,
    fault: "setup",
    reason: { code: "misconfigured", detail: "no-credit" },
  } as const;
  const known = new Map([["vonage/default account", { at: 0, open }]]);
  await using api = await startTestApi({ circuits: (channel) => ({ read: async () => (channel === "sms" ? known : new Map()) }) });
  const order = { from: "twilio", to: "vonage", reason: "Rejects +82" };
  const waits = (await api.post("/api/drain", order)).body as unknown as Said;
  assert.deepEqual([waits.said, waits.toAccept?.map(({ flag }) => flag)], ["Nothing was changed.", ["acceptWaiting"]]);
  assert.match(String(waits.toAccept?.[0]?.items), /^the circuit of vonage\/default opened at 1970-\S+ \(misconfigured: no-credit\)/);
  assert.deepEqual([await steering(api), await log(api)], [[], []]);
  const drained = (await api.post("/api/drain", { ...order, acceptWaiting: true })).body as unknown as Said;
  assert.match(drained.said, /^twilio is drained to vonage within 5 s\. Deliveries may wait: the circuit of vonage\/default opened/);

  const pause = { target: "account:twilio", reason: "Wrong text" };
  const stands = (await api.post("/api/pause", pause)).body as unknown as Said;
  assert.deepEqual(
    stands.toAccept?.map(({ flag }) => flag),
    ["replace"],
  );
  assert.match(
    String(stands.toAccept?.[0]?.items),
    /^account:twilio is drained to vonage, ordered by mira@example\.com at \S+ \(reason: Rejects \+82\)$/,
  );
  assert.deepEqual(await steering(api), ["account:twilio drained vonage"]);
  const paused = (await api.post("/api/pause", { ...pause, replace: true })).body as unknown as Said;
  assert.match(paused.said, /^account:twilio is paused within 5 s\. account:twilio was drained to vonage, ordered by mira@example\.com/);
  assert.match(
    (await log(api))[0]!,
    /\| pause \| account:twilio \| Wrong text \| paused; account:twilio was drained to vonage, ordered by mira@example\.com/,
  );
});

test("what waits is made due, and nothing of another channel", async () => {
  await using api = await startTestApi();
  const now = await api.store.time();
  const n = sampleNotification([now + 3_600_000], { acceptedAt: now, sendAt: now, expiresAt: now + 7_200_000 });
  await api.store.notifications.insert([n]);
  // Handed back by a dispatcher, so that no task of it is queued.
  await api.store.notifications.change([sampleChange(n, 0, { publishedAt: 0, reason: { code: "unavailable" } })]);
  const due = async () => (await api.store.notifications.find(n.id))!.deliveries[0]!.nextAt! <= Date.now();
  assert.equal((await api.post("/api/reevaluate", { channel: "email", reason: "r" })).body.said, "0 made due.");
  assert.equal(await due(), false);
  assert.equal(
    (await api.post("/api/reevaluate", { channel: "sms", reasonCode: "unavailable", reason: "The provider is back" })).body.said,
    "1 made due.",
  );
  assert.equal(await due(), true);
  assert.match((await log(api))[0]!, /reevaluate \| reason unavailable, channel sms \| The provider is back \| 1 made due$/);
});

test("a drain makes due what waits once every dispatcher knows of it, and another re-evaluation waits for that", async () => {
  await using api = await startTestApi();
  const order = { from: "twilio", to: "vonage", reason: "r", reevaluate: true };
  assert.match(String((await api.post("/api/drain", order)).body.said), /Then what waits on sms is made due/);
  assert.equal((await api.post("/api/drain", order)).status, 409);
  assert.equal((await api.post("/api/reevaluate", { channel: "sms", reason: "r" })).status, 409);
  await eventually("it ended", async () => (await log(api)).some((line) => /reevaluate \| channel sms \| r \| 0 made due/.test(line)));
  const [drained, evaluated] = (await api.store.steering.actions(undefined, 9)).toReversed();
  assert.ok(evaluated!.at - drained!.at >= STEERING_FRESH_MS, "not before every dispatcher has read it");
});

const FAULTS: readonly (readonly [path: string, body: Record<string, unknown>, message: RegExp])[] = [
  ["/api/pause", { target: "everything", reason: "r" }, /^target must be channel:NAME/],
  ["/api/pause", { target: "account:nobody", reason: "r" }, /^target account must begin with a provider: apns/],
  ["/api/pause", { target: "app:unknown", reason: "r" }, /^there is no app unknown/],
  ["/api/pause", { target: "account:twilio/mian", reason: "r" }, /^no app is sent by twilio\/mian; twilio has for apps: default$/],
  ["/api/pause", { target: "channel:sms", reason: "r", replace: "yes" }, /^replace must be true or false/],
  ["/api/pause", { target: "channel:sms", reason: " " }, /^reason is empty/],
  [
    "/api/pause",
    { target: "channel:sms", reason: "a\u0007b" },
    /^reason must have 1 to 500 characters, a letter or digit among them, and no control characters/,
  ],
  ["/api/pause", { target: "channel:sms", reason: "r", minutes: 1.5 }, /^minutes must be an integer from 0 to 40320/],
  ["/api/drain", { from: "twilio", to: "nobody", reason: "r" }, /^to must be one of apns/],
  ["/api/drain", { from: "twilio", to: "sendgrid", reason: "r" }, /^a drain needs another provider of sms: sendgrid is of email/],
  ["/api/drain", { from: "twilio/mian", to: "vonage", reason: "r" }, /^no app is sent by twilio\/mian/],
  ["/api/drain", { from: "twilio", to: "vonage", reason: "r", acceptWaiting: 1 }, /^acceptWaiting must be true or false/],
  ["/api/reevaluate", { reason: "r" }, /^give at least one of reasonCode, channel, app/],
  ["/api/reevaluate", { channel: "fax", reason: "r" }, /^channel must be one of apns/],
  ["/api/reevaluate", { app: "shpo", reason: "r" }, /^there is no app shpo/],
  ["/api/reevaluate", { app: "shop\u001b[2J", reason: "r" }, /^app must be 1 to 63 of a-z, 0-9 and -, .*; what is given has 8 characters/],
];
test("a mistake is named with its field, and nothing is done", async () => {
  await using api = await startTestApi();
  for (const [path, body, message] of FAULTS) {
    const answer = await api.post(path, body);
    assert.equal(answer.status, 400, path);
    assert.match(answer.body.error!.message, message);
  }
  assert.deepEqual(await steering(api), []);
  assert.deepEqual(await log(api), []);
});

test("only operators steer", async () => {
  await using api = await startTestApi();
  for (const path of ["/api/pause", "/api/resume", "/api/drain", "/api/reevaluate"])
    assert.equal((await api.post(path, { target: "channel:sms", reason: "r" }, "support")).status, 403, path);
});
