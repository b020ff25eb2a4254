import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { ADDRESS, APP, cell, MAIL, NUMBER, person, post, SMS, store, USER } from "../../test/support/person-api.ts";
import type { PersonAnswer } from "../person-view.ts";

test("the matrix says what is sent now: defaults, requirements, choices and blocks", async () => {
  const block = { kind: "stop", pool: undefined, classes: ["marketing" as const], reason: "STOP", source: "twilio", at: 5 } as const;
  await store.preferences.update(APP, endpointSubject(endpointId(SMS)), { block: [{ ...block, classes: ["marketing"] }], origin: {} }, 5);
  const choices = [
    { channel: "email", category: "orders" },
    { channel: "email", category: "unheard-of" },
  ] as const;
  await store.preferences.update(APP, userSubject(USER), { optOut: choices, origin: {} }, 6);
  const view = await person();
  assert.deepEqual(
    view.matrix.map((row) => [row.category, row.rule]),
    [
      ["newsletter", "off unless opted in"],
      ["orders", "on unless opted out"],
      ["security", "required"],
      ["unheard-of", "on unless opted out"],
      ["*", "on unless opted out"],
    ],
    "what is hidden is left out, what was chosen about is not",
  );
  assert.deepEqual(cell(view, "security", "sms"), ["Sent", "required"]);
  assert.deepEqual(cell(view, "orders", "sms"), ["Sent", "by default"]);
  assert.deepEqual(cell(view, "orders", "email"), ["Opted out", "chosen for E-mail, orders"]);
  assert.deepEqual(cell(view, "newsletter", "sms"), ["Blocked: STOP", "a block holds whatever is chosen"]);
  assert.deepEqual(cell(view, "newsletter", "email"), ["Not opted in", "the category's default is off"]);
  assert.deepEqual(cell(view, "orders", "webpush"), ["No endpoint", "none is registered"]);
  assert.match(view.problem, /^1 endpoint blocked$/);
});

test("of two endpoints of a channel one is refused: it is said how many are sent to", async () => {
  const second: Endpoint = { channel: "email", address: "kim@example.com" };
  await store.contacts.register({ app: APP, userId: USER, endpointId: endpointId(second), endpoint: second, registeredAt: 2 });
  await store.preferences.update(APP, endpointSubject(endpointId(second)), { optOut: [{ channel: "*", category: "*" }], origin: {} }, 3);
  assert.deepEqual(cell(await person(), "orders", "email"), ["Sent to 1 of 2", "Opted out: chosen for every channel, every category"]);
});

test("the history joins the person's and the endpoints' changes with source and evidence, the latest first", async () => {
  const bounce = { kind: "bounce", reason: "550 5.1.1", source: "sendgrid", at: 7 } as const;
  await store.preferences.update(
    APP,
    userSubject(USER),
    { optOut: [{ channel: "sms", category: "*" }], origin: { actor: "sam", source: "phone", evidence: `from ${NUMBER}` } },
    6,
  );
  await store.preferences.update(APP, endpointSubject(endpointId(MAIL)), { block: [bounce], origin: { source: "bounce" } }, 7);
  const [last, first] = (await person("support")).history;
  assert.deepEqual([last?.endpoint, last?.changes, last?.mark], ["h…@example.com", ["blocked: bounce (sendgrid: 550 5.1.1)"], "bad"]);
  assert.deepEqual([first?.endpoint, first?.changes], ["", ["SMS, every category: opted out"]]);
  assert.deepEqual(
    [first?.actor, first?.source, first?.evidence],
    ["sam", "phone", "from …"],
    "numbers are hidden until they are revealed",
  );
});

test("a block is lifted where none of the same kind, sender and classes takes its place", async () => {
  const subject = endpointSubject(endpointId(SMS));
  const stop = (pool: string | undefined, at: number, reason = "STOP") => ({ kind: "stop", pool, reason, source: "twilio", at }) as const;
  const change = (about: object, at: number) => store.preferences.update(APP, subject, { ...about, origin: {} }, at);
  await change({ block: [stop("deals", 1)] }, 1);
  await change({ block: [stop("deals", 2, "STOPALL")] }, 2);
  await change({ block: [stop("", 3)], lift: [stop("deals", 3)] }, 3);
  await change({ lift: [stop("", 4)] }, 4);
  const { history, isHistoryCut } = await person();
  assert.deepEqual(
    history.map(({ changes }) => changes),
    [
      ["block lifted: stop, of the sender by default"],
      ["blocked: stop, of the sender by default (twilio: STOP)", "block lifted: stop, of the sender deals"],
      ["blocked: stop, of the sender deals (twilio: STOPALL)"],
      ["blocked: stop, of the sender deals (twilio: STOP)"],
    ],
  );
  assert.equal(isHistoryCut, false);
});

test("what is cut is said: the history, and the endpoints", async () => {
  const subject = userSubject(USER);
  for (let at = 1; at <= 501; at++)
    await store.preferences.update(APP, subject, { optOut: [{ channel: "sms", category: `c${at % 2}` }], origin: {} }, at);
  for (let i = 0; i < 99; i++) {
    const endpoint: Endpoint = { channel: "email", address: `kim${i}@example.com` };
    await store.contacts.register({ app: APP, userId: USER, endpointId: endpointId(endpoint), endpoint, registeredAt: 2 });
  }
  const { history, isHistoryCut, endpoints, isEndpointsCut } = await person();
  assert.deepEqual([history.length, isHistoryCut, history.at(-1)?.at], [500, true, 2]);
  assert.deepEqual([endpoints.length, isEndpointsCut], [100, true]);
});

test("open problems name what waits, and the recent notifications what became of them", async () => {
  const waiting = sampleNotification("a", Date.now(), { app: APP, recipient: { kind: "user", userId: USER } });
  const deliveries = waiting.deliveries.map((d) => ({
    ...d,
    endpoint: SMS,
    endpointId: endpointId(SMS),
    reason: { code: "misconfigured" as const, detail: "x" },
  }));
  await store.notifications.insert([{ ...waiting, deliveries }]);
  const view = await person();
  assert.equal(view.problem, "Of the recent deliveries 1 waiting");
  assert.equal(view.details.length, 1);
  assert.deepEqual(
    view.recent.map(({ id, category: of, states }) => [id, of, states.map(({ state, count }) => `${count} ${state.word}`)]),
    [[waiting.id, "orders", ["1 Waiting"]]],
  );
  assert.deepEqual(view.endpoints.map(({ channel, state }) => [channel, state.word]).sort(), [
    ["email", "In use"],
    ["sms", "1 waiting"],
  ]);
});

test("a viewer's answer holds no address, number, name, label or evidence", async () => {
  const origin = { actor: USER, source: "phone", evidence: `${NUMBER} and ${ADDRESS} said so` };
  await store.preferences.update(APP, userSubject(USER), { optOut: [{ channel: "sms", category: "*" }], origin }, 6);
  const block = { kind: "manual", reason: `${ADDRESS} by letter`, source: "import", at: 5 } as const;
  await store.preferences.update(APP, endpointSubject(endpointId(MAIL)), { block: [block], origin }, 7);
  await store.notifications.insert([sampleNotification("a", 5, { app: APP, recipient: { kind: "user", userId: USER } })]);
  const { body } = await post("/api/person", {}, "viewer");
  for (const secret of [USER, NUMBER, ADDRESS, "Hana", "said so", "by letter"]) assert.equal(body.includes(secret), false, secret);
  const support = (await post("/api/person", {}, "support")).body;
  for (const secret of [NUMBER, ADDRESS]) assert.equal(support.includes(secret), false, secret);
  assert.ok(support.includes(USER), "support sees the id, as everywhere");
});

test("an app that there is none of is an error, whether somebody is named or not", async () => {
  for (const user of ["", USER]) {
    const { status, body } = await post("/api/person", { app: "shpo", user });
    assert.equal(status, 404);
    assert.match(body, /there is no app shpo/);
  }
});

test("nobody is named, or nobody known: that is said", async () => {
  const nobody = JSON.parse((await post("/api/person", { user: "" })).body) as PersonAnswer;
  assert.deepEqual(nobody, { app: APP, apps: [APP], areAppsCut: false });
  const { person: unknown } = JSON.parse((await post("/api/person", { user: "Hana" })).body) as PersonAnswer;
  assert.equal(unknown?.isUnknown, true);
});
