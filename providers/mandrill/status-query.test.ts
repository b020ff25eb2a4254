import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Clock } from "../../core/ports/clock.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { SAMPLE_NOW, sampleEmail } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { ask, describeStatusQueryContract } from "../../test/support/status-query-contract.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { mandrillVariables } from "./config.ts";
import { createMandrillProvider } from "./provider.ts";
import { buildMandrillSearch, readMandrillSearch, SEARCH_BUDGET } from "./status-query.ts";

const create = (env: Record<string, string>, clock: Clock = systemClock) =>
  createMandrillProvider(readConfig(mandrillVariables, env), { clock });

describeStatusQueryContract({
  name: "mandrill",
  create,
  delivery: () => sampleEmail(),
  at: (origin, env) => ({ ...env, MANDRILL_ORIGIN: origin }),
  wrongCredentials: (env) => withSecret(env, "MANDRILL_API_KEY_FILE", "wrong-key"),
  throttled: { status: 429, body: { status: "error", name: "words of Mandrill's" }, headers: { "retry-after": "60" } },
  throttledMs: 60_000,
  empty: [],
  answers: [["an answer that is no list", { status: 200, body: {} }, { kind: "unreadable", fault: { code: "bad-response" } }]],
  secrets: (env) => [readFileSync(env.MANDRILL_API_KEY_FILE ?? "", "utf8"), "words of Mandrill's"],
});

withSandbox("mandrill's searches", (test) => {
  test("asks no more often in a minute than the account may", async (sandbox) => {
    const clock = createFakeClock(Date.now());
    await using provider = create(sandbox.env, clock);
    const delivery = sampleEmail();
    const kinds: string[] = [];
    for (let n = 0; n < SEARCH_BUDGET.calls; n++) kinds.push((await ask(provider, delivery, 15_000, Date.now())).kind);
    assert.deepEqual([...new Set(kinds)], ["absent"]);
    // No request is made: the sandbox would otherwise apply this order.
    sandbox.faults.order({ provider: "mandrill-status-query", do: { kind: "no-answer" } });
    assert.deepEqual(await ask(provider, delivery, 15_000, Date.now()), {
      kind: "unreadable",
      fault: { code: "status-query-budget", detail: "ask again after 60000 ms" },
    });
    assert.equal(sandbox.faults.standing().length, 1);
    sandbox.faults.clear();
    clock.advance(SEARCH_BUDGET.periodMs);
    assert.equal((await ask(provider, delivery, 15_000, Date.now())).kind, "absent");
  });
});

const question = { ...sampleEmail(), startedAt: SAMPLE_NOW };
const result = (over: object = {}) => ({ _id: "a1", state: "sent", metadata: { carillon_attempt: question.attemptId }, ...over });

test("searches by address, a day to either side, and keeps quotes inside the phrase", () => {
  assert.deepEqual(buildMandrillSearch(question), {
    query: 'full_email:"ann@example.org"',
    date_from: "2026-11-22",
    date_to: "2026-11-24",
    limit: 1_000,
  });
  const quoted = buildMandrillSearch({ ...question, endpoint: { channel: "email", address: '"a\\b" OR *@example.org' } });
  assert.equal(quoted?.query, 'full_email:"\\"a\\\\b\\" OR *@example.org"');
});

test("only metadata with our id makes a result ours", () => {
  const others = [
    result({ metadata: { carillon_attempt: `${question.attemptId}0` } }),
    result({ metadata: [] }),
    result({ metadata: null }),
    null,
  ];
  assert.deepEqual(readMandrillSearch(others, question), { kind: "absent" });
  assert.deepEqual(readMandrillSearch([...others, result()], question), {
    kind: "found",
    outcome: { kind: "accepted", providerRef: "a1" },
  });
});

test("a full page without our mail is no proof of absence", () => {
  const others = Array.from({ length: 1_000 }, () => result({ metadata: {} }));
  assert.deepEqual(readMandrillSearch(others, question), { kind: "unreadable", fault: { code: "status-query-incomplete" } });
});

test("a mail that Mandrill rejected was not sent; a failure after acceptance is a warning", () => {
  const outcome = (state: string) => {
    const finding = readMandrillSearch([result({ state })], question);
    return finding.kind === "found" ? finding.outcome : finding;
  };
  assert.deepEqual(outcome("rejected"), { kind: "rejected", reason: "mandrill-rejected" });
  assert.deepEqual(outcome("deferred"), { kind: "accepted", providerRef: "a1" });
  assert.deepEqual(outcome("soft-bounced"), { kind: "accepted", providerRef: "a1", warning: "state: soft-bounced" });
});
