import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { SAMPLE_NOW, sampleEmail } from "../../test/support/delivery-samples.ts";
import { ask, describeStatusQueryContract } from "../../test/support/status-query-contract.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { sendgridVariables } from "./config.ts";
import { createSendgridProvider } from "./provider.ts";
import { ACTIVITY_BUDGET, buildActivityPath, readActivity } from "./status-query.ts";

const create = (env: Record<string, string>) => createSendgridProvider(readConfig(sendgridVariables, env), { clock: systemClock });
const RESET_S = 42;

describeStatusQueryContract({
  name: "sendgrid",
  create,
  delivery: () => sampleEmail(),
  at: (origin, env) => ({ ...env, SENDGRID_ORIGIN: origin }),
  wrongCredentials: (env) => withSecret(env, "SENDGRID_API_KEY_FILE", "SG.wrong.key"),
  /** Contains an absolute time, so it is built when it is needed. */
  get throttled() {
    const reset = String(Math.floor(Date.now() / 1_000) + RESET_S);
    return { status: 429, body: { errors: [{ message: "words of SendGrid's" }] }, headers: { "x-ratelimit-reset": reset } };
  },
  throttledMs: RESET_S * 1_000,
  empty: { messages: [] },
  answers: [
    ["an answer that is no feed", { status: 200, body: "fine" }, { kind: "unreadable", fault: { code: "bad-response" } }],
    ["a redirection", { status: 302, headers: { location: "http://127.0.0.1:9/" } }, { kind: "unreadable", fault: { code: "http-302" } }],
  ],
  secrets: (env) => [readFileSync(env.SENDGRID_API_KEY_FILE ?? "", "utf8"), "words of SendGrid's", "Bearer "],
});

withSandbox("sendgrid's activity feed", (test) => {
  test("asks no more often in a minute than the account may", async (sandbox) => {
    await using provider = create(sandbox.env);
    const delivery = sampleEmail();
    for (let n = 0; n < ACTIVITY_BUDGET.calls; n++) assert.equal((await ask(provider, delivery, 15_000, Date.now())).kind, "absent");
    const finding = await ask(provider, delivery, 15_000, Date.now());
    assert.equal(finding.kind === "unreadable" && finding.fault.code, "status-query-budget");
  });
});

const question = { ...sampleEmail(), startedAt: SAMPLE_NOW };
const message = (over: object = {}) => ({ msg_id: "ref.recvd-1-0", to_email: "ann@example.org", status: "processed", ...over });
const read = (...messages: object[]) => readActivity({ messages }, question);

test("asks for the one argument that names the attempt", () => {
  const { pathname, searchParams } = new URL(buildActivityPath(question), "https://api.example.com");
  assert.equal(pathname, "/v3/messages");
  assert.deepEqual(Object.fromEntries(searchParams), { query: `unique_args['carillon_attempt']="${question.attemptId}"`, limit: "10" });
});

test("an answer that does not match the mail sent under the id is unreadable", () => {
  const bad = { kind: "unreadable", fault: { code: "bad-response" } };
  assert.deepEqual(read(message({ to_email: "bob@example.org" })), bad);
  assert.deepEqual(read(message(), message({ msg_id: "another.recvd-1-0" })), bad);
  assert.deepEqual(read(message({ msg_id: undefined })), bad);
  assert.deepEqual(read(message({ to_email: "Ann@Example.org" }), message()), {
    kind: "found",
    outcome: { kind: "accepted", providerRef: "ref" },
  });
});

test("a failure after acceptance is a warning", () => {
  assert.deepEqual(read(message({ status: "not_delivered" })), {
    kind: "found",
    outcome: { kind: "accepted", providerRef: "ref", warning: "status: not_delivered" },
  });
});
