import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { SAMPLE_NOW, sampleSms } from "../../test/support/delivery-samples.ts";
import { ask, describeStatusQueryContract } from "../../test/support/status-query-contract.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { vonageVariables } from "./config.ts";
import { createVonageProvider } from "./provider.ts";
import { buildRecordsPath, readRecords } from "./status-query.ts";

const create = (env: Record<string, string>) => createVonageProvider(readConfig(vonageVariables, env), { clock: systemClock });

describeStatusQueryContract({
  name: "vonage",
  create,
  delivery: () => sampleSms(),
  at: (origin, env) => ({ ...env, VONAGE_REPORTS_ORIGIN: origin }),
  wrongCredentials: (env) => withSecret(env, "VONAGE_API_SECRET_FILE", "wrong-secret"),
  throttled: { status: 429, body: { title: "words of Vonage's" }, headers: { "retry-after": "9" } },
  throttledMs: 9_000,
  empty: { request_status: "SUCCESS", items_count: 0, records: [] },
  answers: [["a report without records", { status: 200, body: {} }, { kind: "unreadable", fault: { code: "bad-response" } }]],
  secrets: (env) => [readFileSync(env.VONAGE_API_SECRET_FILE ?? "", "utf8"), "words of Vonage's", "Basic "],
});

withSandbox("vonage's reports", (test) => {
  test("queries a text in parts by the first part's reference, as in the answer", async (sandbox) => {
    await using provider = create(sandbox.env);
    const delivery = sampleSms({ text: "x".repeat(400) });
    const outcome = await provider.send(delivery, AbortSignal.timeout(15_000));
    assert.deepEqual(await ask(provider, delivery, 15_000, Date.now()), { kind: "found", outcome });
  });
});

const question = { ...sampleSms(), startedAt: SAMPLE_NOW };
const record = (over: object = {}) => ({ message_id: "0A1", client_ref: question.attemptId, status: "delivered", ...over });
const read = (records: unknown, more: object = {}) => readRecords({ records, ...more }, question);

test("asks for the one reference, an hour to either side", () => {
  const { pathname, searchParams } = new URL(buildRecordsPath(question, "key") ?? "", "https://api.nexmo.com");
  assert.equal(pathname, "/v2/reports/records");
  assert.deepEqual(Object.fromEntries(searchParams), {
    account_id: "key",
    product: "SMS",
    direction: "outbound",
    client_ref: question.attemptId,
    to: "447700900123",
    date_start: "2026-11-23T11:00:00Z",
    date_end: "2026-11-23T13:00:00Z",
  });
});

test("a failure after acceptance is a warning", () => {
  assert.deepEqual(read([record({ status: "Rejected" })]), {
    kind: "found",
    outcome: { kind: "accepted", providerRef: "0A1", warning: "status: rejected" },
  });
  assert.deepEqual(read([record({ status: "words from outside" })]), { kind: "found", outcome: { kind: "accepted", providerRef: "0A1" } });
});

test("records of others, or more of them elsewhere, are no proof of absence", () => {
  assert.deepEqual(read([]), { kind: "absent" });
  for (const incomplete of [read([record({ client_ref: "other/1" })]), read([record({ client_ref: null })]), read([], { cursor: "c" })])
    assert.deepEqual(incomplete, { kind: "unreadable", fault: { code: "status-query-incomplete" } });
});
