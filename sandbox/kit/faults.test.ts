import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { ATTEMPT, DELIVERY, envOf, http1, http2, nowSeconds, openHttp2, signJwt, startTestSandbox } from "../../test/support/raw-client.ts";
import type { Sandbox } from "../main.ts";
import { createFaults, FAULTS_MAX, type FaultOrder } from "./faults.ts";

const SHOWN = JSON.stringify({ aps: { alert: "b" } });
/** Long enough to see that no answer comes, in ms. */
const SILENCE_MS = 200;

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
beforeEach(() => {
  sandbox.ledger.clear();
  sandbox.faults.clear();
});
after(() => sandbox[Symbol.asyncDispose]());

const sendgrid = (waitMs?: number, address = "ada@example.com") =>
  http1(
    sandbox,
    `${envOf(sandbox, "SENDGRID_ORIGIN")}/v3/mail/send`,
    {
      headers: { authorization: `Bearer ${envOf(sandbox, "SENDGRID_API_KEY_FILE")}`, "content-type": "application/json" },
      body: JSON.stringify({
        personalizations: [{ to: [{ email: address }], custom_args: { carillon_delivery: DELIVERY, carillon_attempt: ATTEMPT } }],
        from: { email: envOf(sandbox, "EMAIL_FROM") },
        subject: "s",
        content: [{ type: "text/plain", value: "t" }],
      }),
    },
    waitMs,
  );
const recorded = () => sandbox.ledger.entries().map((e) => `${e.accepted ? "accepted" : "rejected"}: ${e.answer}`);

test("an ordered answer is given as often as ordered, with body and headers, and nothing is accepted", async () => {
  sandbox.faults.order({
    provider: "sendgrid",
    times: 2,
    do: { kind: "answer", status: 503, body: { errors: [] }, headers: { "retry-after": "3" } },
  });
  for (const _ of [1, 2]) {
    const given = await sendgrid();
    assert.deepEqual([given.status, given.headers["retry-after"], given.json], [503, "3", { errors: [] }]);
  }
  assert.equal((await sendgrid()).status, 202);
  assert.deepEqual(recorded(), ["rejected: 503 ordered", "rejected: 503 ordered", "accepted: 202"]);
});

test("an ordered 2xx counts as accepted unless the order says otherwise", async () => {
  sandbox.faults.order({ provider: "sendgrid", do: { kind: "answer", status: 200, body: "<html>" } });
  sandbox.faults.order({ provider: "sendgrid", do: { kind: "answer", status: 200, body: "<html>", accepted: false } });
  assert.equal((await sendgrid()).text, "<html>");
  await sendgrid();
  assert.deepEqual(recorded(), ["accepted: 200 ordered", "rejected: 200 ordered"]);
});

test("a delayed request is accepted on arrival, answered later", async () => {
  sandbox.faults.order({ provider: "sendgrid", do: { kind: "delay", ms: SILENCE_MS } });
  const answered = sendgrid();
  let isAnswered = false;
  answered.then(() => {
    isAnswered = true;
  });
  await sandbox.ledger.arrived({ provider: "sendgrid" }, 1);
  assert.equal(isAnswered, false);
  assert.equal((await answered).status, 202);
});

test("a message without an answer is still accepted", async () => {
  sandbox.faults.order({ provider: "sendgrid", do: { kind: "no-answer" } });
  await assert.rejects(sendgrid(SILENCE_MS), { name: "AbortError" });
  assert.deepEqual(recorded(), ["accepted: no answer"]);
});

test("cut before: the connection breaks and nothing was accepted; cut after: it was", async () => {
  sandbox.faults.order({ provider: "sendgrid", do: { kind: "cut-before" } });
  await assert.rejects(sendgrid(), { code: "ECONNRESET" });
  sandbox.faults.order({ provider: "sendgrid", do: { kind: "cut-after" } });
  await assert.rejects(sendgrid(), { code: "ECONNRESET" });
  assert.deepEqual(recorded(), ["rejected: cut before", "accepted: cut after"]);
});

test("a fault applies only to its provider and to requests that match", async () => {
  sandbox.faults.order({ provider: "mandrill", do: { kind: "cut-before" } });
  sandbox.faults.order({ provider: "sendgrid", match: "grace@", do: { kind: "answer", status: 500 } });
  sandbox.faults.order({ provider: "sendgrid", match: "f".repeat(32), do: { kind: "answer", status: 501 } });
  assert.equal((await sendgrid()).status, 202);
  assert.equal((await sendgrid(undefined, "grace@example.com")).status, 500);
  sandbox.faults.order({ provider: "sendgrid", match: DELIVERY, do: { kind: "answer", status: 502 } });
  assert.equal((await sendgrid()).status, 502);
  assert.equal(sandbox.faults.standing().length, 2);
});

test("on HTTP/2 a cut resets the stream with the code ordered and no other stream", async () => {
  using line = openHttp2(sandbox, envOf(sandbox, "APNS_ORIGIN"));
  const authorization = `bearer ${signJwt(envOf(sandbox, "APNS_KEY_FILE"), { kid: envOf(sandbox, "APNS_KEY_ID") }, { iss: envOf(sandbox, "APNS_TEAM_ID"), iat: nowSeconds() })}`;
  const headers = { authorization, "apns-topic": envOf(sandbox, "APNS_TOPIC") };
  const push = (device: string, waitMs?: number) => http2(line.session, `/3/device/${device.repeat(32)}`, { headers, body: SHOWN }, waitMs);
  await push("00");

  sandbox.faults.order({ provider: "apns", match: "aaaa", do: { kind: "cut-before", code: 7 } });
  sandbox.faults.order({ provider: "apns", match: "bbbb", do: { kind: "cut-after" } });
  sandbox.faults.order({ provider: "apns", match: "cccc", do: { kind: "no-answer" } });
  const [rejected, cut, silent, fine] = await Promise.allSettled([push("aa"), push("bb"), push("cc", SILENCE_MS), push("dd")]);
  assert.match(String(rejected.status === "rejected" && rejected.reason.message), /NGHTTP2_REFUSED_STREAM/);
  assert.match(String(cut.status === "rejected" && cut.reason.message), /NGHTTP2_INTERNAL_ERROR/);
  assert.equal(silent.status === "rejected" && silent.reason.name, "AbortError");
  assert.equal(fine.status === "fulfilled" && fine.value.status, 200);
  assert.deepEqual(recorded().sort(), [
    "accepted: 200",
    "accepted: 200",
    "accepted: cut after",
    "accepted: no answer",
    "rejected: cut before",
  ]);

  sandbox.faults.order({ provider: "apns", do: { kind: "goaway" } });
  const goneAway = new Promise<number>((resolve) => line.session.once("goaway", resolve));
  await assert.rejects(push("ee"));
  assert.equal(await goneAway, 0);
  assert.equal(sandbox.ledger.entries().at(-1)?.answer, "goaway");
  assert.equal(line.session.closed, true);
});

test("a client that gives up before a delayed answer affects no other request, on HTTP/1.1 and HTTP/2", async () => {
  using line = openHttp2(sandbox, envOf(sandbox, "APNS_ORIGIN"));
  for (const provider of ["apns", "sendgrid"] as const) sandbox.faults.order({ provider, do: { kind: "delay", ms: 2 * SILENCE_MS } });
  await Promise.all([
    assert.rejects(http2(line.session, "/3/device/00", { body: "{}" }, SILENCE_MS), { name: "AbortError" }),
    assert.rejects(sendgrid(SILENCE_MS), { name: "AbortError" }),
  ]);
  // Answered after theirs would have been.
  sandbox.faults.order({ provider: "sendgrid", do: { kind: "delay", ms: 2 * SILENCE_MS } });
  assert.equal((await sendgrid()).status, 202);
  assert.equal((await http2(line.session, "/3/device/00", { body: "{}" })).status, 403);
});

const SCOPE = { targets: ["apns", "twilio"], webhookProviders: ["twilio"] };

test("an invalid order is rejected with the rule it breaks", () => {
  const faults = createFaults(SCOPE);
  const action = { kind: "no-answer" };
  const wrong: unknown[] = [
    undefined,
    { provider: "apns" },
    { provider: "pigeon", do: action },
    { provider: "apns", match: 1, do: action },
    { provider: "apns", times: 0, do: action },
    { provider: "apns", do: { kind: "burn" } },
    { provider: "apns", do: { kind: "answer", status: 99 } },
    { provider: "apns", do: { kind: "answer", status: 200, headers: { connection: "close" } } },
    { provider: "apns", do: { kind: "answer", status: 200, headers: { a: "b\r\nc" } } },
    { provider: "apns", do: { kind: "delay", ms: -1 } },
    { provider: "apns", do: { kind: "cut-after", code: 14 } },
  ];
  for (const order of wrong) assert.equal(typeof faults.mistakeIn(order), "string", JSON.stringify(order));
  assert.throws(() => faults.order(wrong[2] as FaultOrder), RangeError);
});

test("at most FAULTS_MAX orders are kept at once", () => {
  const faults = createFaults(SCOPE);
  const order = () => faults.order({ provider: "apns", do: { kind: "no-answer" } });
  const first = order();
  for (let n = 1; n < FAULTS_MAX; n += 1) order();
  assert.throws(order, RangeError);
  faults.clear(first);
  assert.equal(faults.standing().length, FAULTS_MAX - 1);
  faults.clear();
  assert.equal(faults.take("apns", "", ""), undefined);
});

test("says which use of how many a fault was, and tells who watches", () => {
  const faults = createFaults({ targets: ["apns"], webhookProviders: [] });
  let changes = 0;
  const unwatch = faults.watch(() => {
    changes += 1;
  });
  faults.order({ provider: "apns", times: 2, do: { kind: "no-answer" } });
  assert.deepEqual(faults.takeUse("apns", "", ""), { action: { kind: "no-answer" }, use: 1, of: 2 });
  assert.deepEqual(
    faults.standing().map(({ times, of }) => [times, of]),
    [[1, 2]],
  );
  assert.deepEqual(faults.takeUse("apns", "", ""), { action: { kind: "no-answer" }, use: 2, of: 2 });
  assert.equal(faults.takeUse("apns", "", ""), undefined);
  faults.clear();
  assert.equal(changes, 4);
  unwatch();
  faults.clear();
  assert.equal(changes, 4);
});
