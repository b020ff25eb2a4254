import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChangeEntry } from "../preferences/change.ts";
import { afterCall, type CallResult, FAILING_MS_MAX, pauseMs, RETRY_DELAYS_MS, retryDelayMs } from "./answer.ts";
import { SECRETS_MAX, signingSecrets, urlFault, type WebhookEndpoint, withNewSecret } from "./endpoint.ts";
import { BODY_BYTES_MAX, eventBody, listenersOf } from "./event.ts";

const NOW = Date.UTC(2026, 10, 3);
const DAY_MS = 86_400_000;
const HOOK: WebhookEndpoint = { name: "crm", url: "https://hooks.example/", secrets: [{ sealed: "a" }] };
const answer = (status: number, retryAfterMs?: number): CallResult => ({ kind: "answer", status, retryAfterMs });

test("an event is called for ten times in three days, each delay up to a tenth longer", () => {
  const delays = (random: number) => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((tries) => retryDelayMs(tries, answer(500), () => random));
  assert.deepEqual(delays(0), [...RETRY_DELAYS_MS, undefined]);
  assert.equal(delays(1)[0], 5_500);
  assert.ok(RETRY_DELAYS_MS.reduce((sum, delay) => sum + delay, 0) < 4 * DAY_MS);
});

test("only what is overloaded is left alone, for as long as it asks and at most an hour", () => {
  for (const status of [429, 502, 503, 504]) {
    assert.equal(pauseMs(answer(status)), 30_000);
    assert.equal(pauseMs(answer(status, 90_000)), 90_000);
    assert.equal(pauseMs(answer(status, DAY_MS)), 3_600_000);
    assert.equal(
      retryDelayMs(1, answer(status, 90_000), () => 0),
      90_000,
    );
    assert.equal(
      retryDelayMs(2, answer(status, 90_000), () => 0),
      RETRY_DELAYS_MS[1],
    );
  }
  for (const result of [answer(500, 90_000), answer(200), answer(302), { kind: "none", fault: "deadline" } as const])
    assert.equal(pauseMs(result), 0);
});

test("an endpoint begins to fail, works again, is warned of and disabled", () => {
  const failing = afterCall(HOOK, answer(500), NOW);
  assert.deepEqual(failing, { endpoint: { ...HOOK, failingSince: NOW }, news: "began to fail" });
  assert.deepEqual(afterCall(failing.endpoint, answer(302), NOW + 1), { endpoint: failing.endpoint });
  assert.deepEqual(afterCall(failing.endpoint, answer(204), NOW + 1), { endpoint: HOOK, news: "works again" });
  assert.deepEqual(afterCall(HOOK, answer(200), NOW), { endpoint: HOOK });
  const late = NOW + FAILING_MS_MAX - 1;
  assert.equal(afterCall(failing.endpoint, { kind: "none", fault: "refused" }, late).news, "will be disabled");
  assert.equal(afterCall(failing.endpoint, answer(500), late, true).news, undefined);
  const after = afterCall(failing.endpoint, answer(500), NOW + FAILING_MS_MAX);
  assert.deepEqual([after.news, after.endpoint.disabled], ["disabled", { at: NOW + FAILING_MS_MAX, why: "failing" }]);
  assert.deepEqual(afterCall(HOOK, answer(410), NOW).endpoint.disabled, { at: NOW, why: "gone" });
  assert.deepEqual(afterCall(after.endpoint, answer(200), NOW), { endpoint: after.endpoint }, "only an operator enables it");
});

test("a new secret signs beside those that are valid, until the overlap ends", () => {
  const second = withNewSecret(HOOK, "b", NOW, 100);
  assert.deepEqual(signingSecrets(second, NOW + 99), ["b", "a"]);
  assert.deepEqual(signingSecrets(second, NOW + 100), ["b"]);
  const third = withNewSecret(second, "c", NOW + 50, 1_000);
  assert.deepEqual(signingSecrets(third, NOW + 99), ["c", "b", "a"], "an overlap is never made longer");
  assert.deepEqual(signingSecrets(third, NOW + 100), ["c", "b"]);
  assert.equal(withNewSecret(third, "d", NOW + 60, 1_000).secrets.length, SECRETS_MAX);
  assert.deepEqual(signingSecrets(withNewSecret(HOOK, "b", NOW, 0), NOW), ["b"]);
});

test("a URL is https, or http at this machine, without credentials and fragment", () => {
  const fault = (url: string) => urlFault(url, (host) => host === "localhost");
  for (const url of ["https://a.example/x?y=1", "https://a.example:8443", "http://localhost:3000/"])
    assert.equal(fault(url), undefined, url);
  for (const [url, says] of [
    ["nonsense", /must be a URL/],
    ["http://a.example/", /must begin with https:/],
    ["ftp://localhost/", /must begin with https:/],
    ["https://me:secret@a.example/", /no credentials/],
    ["https://a.example/#x", /no fragment/],
    [`https://a.example/${"x".repeat(2_048)}`, /at most 2048 characters/],
  ] as const)
    assert.match(fault(url) ?? "", says, url);
});

test("who is told: active endpoints, of users and endpoints alone", () => {
  const disabled: WebhookEndpoint = { ...HOOK, name: "off", disabled: { at: NOW, why: "gone" } };
  for (const subject of ["user:u1", "endpoint:0f"]) assert.deepEqual(listenersOf([HOOK, disabled], subject), ["crm"]);
  for (const subject of ["erased:0f", "restored:0f"]) assert.deepEqual(listenersOf([HOOK], subject), []);
});

test("a body has neither evidence nor reasons, and one that is too large says so instead", () => {
  const change = (categories: readonly string[]): ChangeEntry => ({
    ...{ app: "shop", subject: "endpoint:0f", version: 3, at: NOW },
    origin: { actor: "ann", source: "support", evidence: "letter" },
    before: { optOuts: [], consents: [], blocks: [{ kind: "bounce", reason: "550 ann@example.com", source: "smtp", at: NOW }] },
    after: { optOuts: categories.map((category) => ({ channel: "sms", category, until: NOW })), consents: [], blocks: [] },
  });
  const about = { userIds: Array.from({ length: 30 }, (_, i) => `u${i}`), endpoint: { channel: "sms", masked: "+82…78" } };
  const body = eventBody(change(["ads"]), about);
  assert.doesNotMatch(body, /letter|550|@/);
  const { data } = JSON.parse(body);
  assert.deepEqual([data.endpoint.id, data.userIds.length, data.after.optOuts[0].until], ["0f", 10, new Date(NOW).toISOString()]);
  for (const category of ["long-category-name", "광고"]) {
    const large = eventBody(change(Array.from({ length: 1_000 }, (_, i) => `${category}${i}`)), about);
    assert.ok(Buffer.byteLength(large) < BODY_BYTES_MAX);
    assert.deepEqual([JSON.parse(large).data.truncated, JSON.parse(large).data.after], [true, undefined]);
  }
});
