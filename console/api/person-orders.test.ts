import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import {
  ADDRESS,
  APP,
  cell,
  lines,
  log,
  MAIL,
  NUMBER,
  optOut,
  person,
  post,
  references,
  SMS,
  store,
  USER,
} from "../../test/support/person-api.ts";
import type { Revealed } from "../person-view.ts";
import { createPersonRoutes } from "./person.ts";

const idOf = (endpoint: Endpoint) => references.ofEndpoint(endpointId(endpoint));

test("a reveal needs the role and a reason, is in the log of actions first, and shows this person alone", async () => {
  const reason = "Ticket 46112 asks";
  assert.equal((await post("/api/person/reveal", { reason }, "viewer")).status, 403);
  for (const bad of [
    "",
    "ok",
    "two words",
    `they wrote from ${ADDRESS}`,
    `they called from ${NUMBER}`,
    "see https://push.example.net/a1 for it",
  ])
    assert.equal((await post("/api/person/reveal", { reason: bad }, "support")).status, 400, bad);
  assert.deepEqual(await store.steering.actions(undefined, 10), [], "nothing was shown, and nothing logged");
  const { status, body } = await post("/api/person/reveal", { reason }, "support");
  assert.equal(status, 200, body);
  const revealed = JSON.parse(body) as Revealed;
  assert.deepEqual(revealed.endpoints, { [idOf(SMS)]: NUMBER, [idOf(MAIL)]: ADDRESS });
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
  const route = createPersonRoutes({
    store: { ...store, steering, time: () => store.time() },
    preferences: { update },
    log,
    references,
  }).find(({ path }) => path === "/api/person/reveal")!;
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
    [{ user: `${USER} ` }, /user must be a user's id as apps send it/],
    [{ app: "nobody" }, /app must be the id/],
  ] as const) {
    const { status, body } = await optOut(about);
    assert.ok(status >= 400 && status < 500, body);
    assert.match(body, words);
  }
  assert.deepEqual(await store.preferences.find(APP, [userSubject(USER)]), []);
});

test("an opt-out that the store did not confirm is not called recorded", async () => {
  const route = createPersonRoutes({ store, preferences: { update: async () => undefined }, log, references }).find(({ path }) =>
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
  const lift = { endpoint: idOf(MAIL), kind: "bounce", evidence: "Verified by letter" };
  assert.equal((await post("/api/person/lift-block", lift, "support")).status, 403);
  assert.match((await post("/api/person/lift-block", { ...lift, kind: "stop" })).body, /nothing blocks/);
  assert.match((await post("/api/person/lift-block", { ...lift, endpoint: endpointId(MAIL) })).body, /endpoint must be/);
  assert.equal((await post("/api/person/lift-block", lift)).status, 200);
  const [entry] = await store.preferences.history(APP, subject, Number.MAX_SAFE_INTEGER, 1);
  assert.deepEqual(entry?.origin, { actor: "mira@example.net", source: "operator", evidence: "Verified by letter" });
  assert.deepEqual(entry?.after.blocks, []);
});
