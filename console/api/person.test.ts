import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import { createPreferences } from "../../adapters/opt-outs/preferences.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Store } from "../../core/ports/store.ts";
import type { Category } from "../../core/preferences/category.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { putCategories } from "../../operations/preferences/categories.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { ROUTE_ROLES } from "../auth/route-roles.ts";
import type { PersonAnswer, PersonView, Revealed } from "../person-view.ts";
import { hasRole, type Role } from "../session.ts";
import { createPersonRoutes } from "./person.ts";
import { hideAddresses } from "./person-history.ts";

const APP = "app";
/** An address, as some apps name their users. */
const USER = "hana.kim@example.org";
const NUMBER = "+821055501017";
const ADDRESS = "hana@example.com";
const SMS: Endpoint = { channel: "sms", phoneNumber: NUMBER };
const MAIL: Endpoint = { channel: "email", address: ADDRESS };
const category = (name: string, about: Partial<Category> = {}): Category => ({ name, labels: {}, default: "opted-in", ...about });

let store: Store;
let lines: string[];
const log = createLogger("console", "info", { write: (line) => void lines.push(line) });
beforeEach(async () => {
  lines = [];
  await store?.[Symbol.asyncDispose]();
  store = await openStore("sqlite::memory:");
  await createApp(store.apps, APP, ["sms", "email", "webpush"], { now: 1 });
  await putCategories(store.apps, APP, [
    category("security", { default: "required" }),
    category("orders"),
    category("newsletter", { default: "opted-out", notificationClass: "marketing" }),
    category("inner", { hidden: true }),
  ]);
  for (const endpoint of [SMS, MAIL])
    await store.contacts.register({
      app: APP,
      userId: USER,
      endpointId: endpointId(endpoint),
      endpoint,
      registeredAt: 1,
      deviceLabel: "Hana's",
    });
});
after(() => store[Symbol.asyncDispose]());

async function post(path: string, body: object, role: Role = "operator"): Promise<{ status: number; body: string }> {
  const { apps, profiles } = store;
  await using preferences = createPreferences({
    store: store.preferences,
    apps,
    profiles,
    redis: undefined,
    clock: createFakeClock(),
    log,
  });
  const route = createPersonRoutes({ store, preferences, log }).find((one) => one.path === path);
  const least = ROUTE_ROLES[`POST ${path}`];
  assert.ok(route && least, path);
  // As protectRoutes() does it.
  if (!hasRole({ name: "", role }, least)) return { status: 403, body: "" };
  const request = { method: "POST", path, query: new URLSearchParams(), headers: {}, remoteAddress: "127.0.0.1" };
  const text = Buffer.from(JSON.stringify({ app: APP, user: USER, ...body }));
  const answer = await route.handle({ ...request, body: text, signal: new AbortController().signal } as never, {
    name: "mira@example.net",
    role,
  });
  return { status: answer.status, body: String(answer.body) };
}

async function person(role: Role = "operator"): Promise<PersonView> {
  const { status, body } = await post("/api/person", {}, role);
  assert.equal(status, 200, body);
  const found = (JSON.parse(body) as PersonAnswer).person;
  assert.ok(found);
  return found;
}

/** The word and why of a cell. */
function cell({ channels, matrix }: PersonView, name: string, channel: string): [word: string, why: string] {
  const { state, why } = matrix.find((row) => row.category === name)!.cells[channels.findIndex((one) => one.channel === channel)]!;
  return [state.word, why];
}

const optOut = (about: object, role: Role = "support") =>
  post("/api/person/opt-out", { channel: "*", category: "*", how: "phone", evidence: "Call 19:01, ticket 46112", ...about }, role);

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

test("free text is shown without addresses and numbers, and with what names nobody", () => {
  for (const [text, shown] of [
    ["from +82 10 5550 1017", "from …"],
    ["called 010-5550-1017 twice", "called … twice"],
    ["<hana@example.com> wrote", "<…@…> wrote"],
    ["2026-10-04 19:03, ticket 46112", "2026-10-04 19:03, ticket 46112"],
    ["550 5.1.1 no such user", "550 5.1.1 no such user"],
    ["notification 0123456789abcdef0123456789abcdef", "notification 0123456789abcdef0123456789abcdef"],
  ] as const)
    assert.equal(hideAddresses(text), shown);
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

test("a reveal needs the role and a reason, is in the log of actions first, and shows this person alone", async () => {
  const reason = "Ticket 46112 asks";
  assert.equal((await post("/api/person/reveal", { reason }, "viewer")).status, 403);
  for (const bad of ["", "ok", "two words", `they wrote from ${ADDRESS}`, `they called from ${NUMBER}`])
    assert.equal((await post("/api/person/reveal", { reason: bad }, "support")).status, 400, bad);
  assert.deepEqual(await store.steering.actions(undefined, 10), [], "nothing was shown, and nothing logged");
  const { status, body } = await post("/api/person/reveal", { reason }, "support");
  assert.equal(status, 200, body);
  const revealed = JSON.parse(body) as Revealed;
  assert.deepEqual(revealed.endpoints, { [endpointId(SMS)]: NUMBER, [endpointId(MAIL)]: ADDRESS });
  const { reference } = await person();
  const [action] = await store.steering.actions(undefined, 10);
  assert.deepEqual(
    [action?.actor, action?.action, action?.target, action?.reason, action?.result],
    ["mira@example.net", "reveal", `person ${APP}/${reference}`, reason, "2 endpoints shown"],
  );
  assert.match(lines.join(""), new RegExp(`"action":"reveal","app":"${APP}","person":"${reference}"`));
  for (const secret of [USER, NUMBER, ADDRESS]) assert.equal(lines.join("").includes(secret), false, secret);
});

test("where the log of actions cannot be written, nothing is revealed", async () => {
  const steering = { ...store.steering, log: () => Promise.reject(new Error("full")) };
  const update = async () => undefined;
  const route = createPersonRoutes({ store: { ...store, steering, time: () => store.time() }, preferences: { update }, log }).find(
    ({ path }) => path === "/api/person/reveal",
  )!;
  const body = Buffer.from(JSON.stringify({ app: APP, user: USER, reason: "Ticket 46112 asks" }));
  await assert.rejects(route.handle({ body } as never, { name: "mira", role: "support" }), /full/);
});

test("an opt-out by phone is stored with who and how, and ends the opt-ins that it covers", async () => {
  const consents = [
    { channel: "email", category: "newsletter" },
    { channel: "sms", category: "newsletter" },
  ] as const;
  await store.preferences.update(APP, userSubject(USER), { consent: consents, origin: {} }, 5);
  assert.deepEqual(cell(await person(), "newsletter", "email"), ["Sent", "opted in"]);
  assert.equal((await optOut({ channel: "email" }, "viewer")).status, 403);
  const { status, body } = await optOut({ channel: "email" });
  assert.equal(status, 200, body);
  const view = await person();
  for (const name of ["newsletter", "orders", "*"]) assert.equal(cell(view, name, "email")[0], "Opted out", name);
  assert.deepEqual(cell(view, "security", "email"), ["Sent", "required"]);
  assert.deepEqual(cell(view, "newsletter", "sms"), ["Sent", "opted in"], "another channel's stays");
  const [entry] = await store.preferences.history(APP, userSubject(USER), Number.MAX_SAFE_INTEGER, 1);
  assert.deepEqual(entry?.origin, { actor: "mira@example.net", source: "phone", evidence: "Call 19:01, ticket 46112" });
  const [action] = await store.steering.actions(undefined, 1);
  assert.deepEqual([action?.action, action?.result, action?.target.includes(USER)], ["opt-out", "recorded", false]);
});

test("an opt-out that says too little, or that nobody can make, is refused with the field", async () => {
  for (const [about, words] of [
    [{ evidence: " " }, /evidence is empty/],
    [{ evidence: "a\nb" }, /evidence must be one line/],
    [{ evidence: "x".repeat(501) }, /evidence has at most 500/],
    [{ how: "dream" }, /how must be one of phone, letter, mail/],
    [{ channel: "pigeon" }, /channel must be one of/],
    [{ category: "" }, /category must be/],
    [{ category: "security" }, /category is required/],
    [{ user: "" }, /user is empty/],
    [{ app: "nobody" }, /app must be the id/],
  ] as const) {
    const { status, body } = await optOut(about);
    assert.ok(status >= 400 && status < 500, body);
    assert.match(body, words);
  }
  assert.deepEqual(await store.preferences.find(APP, [userSubject(USER)]), []);
});

test("an opt-out that the store did not confirm is not called recorded", async () => {
  const route = createPersonRoutes({ store, preferences: { update: async () => undefined }, log }).find(({ path }) =>
    path.endsWith("/opt-out"),
  )!;
  const order = { app: APP, user: USER, channel: "*", category: "*", how: "letter", evidence: "of 3 May" };
  const answer = await route.handle({ body: Buffer.from(JSON.stringify(order)) } as never, { name: "mira", role: "support" });
  assert.deepEqual([answer.status, /did not confirm/.test(String(answer.body))], [503, true]);
  const [action] = await store.steering.actions(undefined, 1);
  assert.match(action?.result ?? "", /^failed/);
});

test("operators alone undo an opt-out and lift a block, with evidence that the history keeps", async () => {
  await optOut({ channel: "sms" });
  const undo = { channel: "sms", category: "*", evidence: "They called again, ticket 5" };
  assert.equal((await post("/api/person/undo-opt-out", undo, "support")).status, 403);
  assert.match((await post("/api/person/undo-opt-out", { ...undo, channel: "email" })).body, /no opt-out of exactly/);
  assert.equal((await post("/api/person/undo-opt-out", undo)).status, 200);
  assert.deepEqual(cell(await person(), "orders", "sms"), ["Sent", "by default"]);

  const subject = endpointSubject(endpointId(MAIL));
  await store.preferences.update(APP, subject, { block: [{ kind: "bounce", reason: "", source: "sendgrid", at: 7 }], origin: {} }, 7);
  const lift = { endpoint: endpointId(MAIL), kind: "bounce", evidence: "Verified by letter" };
  assert.equal((await post("/api/person/lift-block", lift, "support")).status, 403);
  assert.match((await post("/api/person/lift-block", { ...lift, kind: "stop" })).body, /nothing blocks/);
  assert.match((await post("/api/person/lift-block", { ...lift, endpoint: "0".repeat(32) })).body, /endpoint must be/);
  assert.equal((await post("/api/person/lift-block", lift)).status, 200);
  const [entry] = await store.preferences.history(APP, subject, Number.MAX_SAFE_INTEGER, 1);
  assert.deepEqual(entry?.origin, { actor: "mira@example.net", source: "operator", evidence: "Verified by letter" });
  assert.deepEqual(entry?.after.blocks, []);
});

test("nobody is named, or nobody known: that is said", async () => {
  const nobody = JSON.parse((await post("/api/person", { user: "" })).body) as PersonAnswer;
  assert.deepEqual(nobody, { app: APP, apps: [APP] });
  const { person: unknown } = JSON.parse((await post("/api/person", { user: "Hana" })).body) as PersonAnswer;
  assert.equal(unknown?.isUnknown, true);
});
