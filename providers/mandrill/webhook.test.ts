import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import type { Webhook } from "../transport/webhook.ts";
import { mandrill } from "./webhook.ts";

const KEY = "webhook-key";
const URL_ = "https://hooks.example.com/mandrill";
const ATTEMPT = `${"ab".repeat(16)}-0/1`;
const NOW = Date.UTC(2026, 0, 5, 12);
const AT = NOW - 7_000;

function webhookOf(events: unknown, { key = KEY, url = URL_ } = {}): Webhook {
  const text = typeof events === "string" ? events : JSON.stringify(events);
  const signature = createHmac("sha1", key).update(`${url}mandrill_events${text}`).digest("base64");
  const body = Buffer.from(new URLSearchParams({ mandrill_events: text }).toString());
  return { url: URL_, query: new URLSearchParams(), headers: { "x-mandrill-signature": signature }, body, receivedAt: NOW };
}

const event = (name: string, change: Record<string, unknown> = {}) => {
  const metadata = { carillon_delivery: ATTEMPT.slice(0, -2), carillon_attempt: ATTEMPT };
  const msg = { ts: AT / 1_000, _id: "abc123", email: "ada@example.com", subject: "Żółć", metadata };
  return { event: name, _id: "abc123", ts: AT / 1_000, msg, ...change };
};

test("accepts what was signed with the webhook's key for exactly this URL", () => {
  assert.ok(mandrill.verify(webhookOf([event("send")]), KEY, {}));
  assert.ok(!mandrill.verify(webhookOf([event("send")], { key: "other" }), KEY, {}));
  assert.ok(!mandrill.verify(webhookOf([event("send")], { url: `${URL_}/` }), KEY, {}));
  const good = webhookOf([event("send")]);
  assert.ok(!mandrill.verify({ ...good, body: Buffer.from(`${good.body}&more=1`) }, KEY, {}));
  for (const signature of ["", "AAAA", undefined])
    assert.ok(!mandrill.verify({ ...good, headers: { "x-mandrill-signature": signature } }, KEY, {}));
});

test("a probe has no events, with any signature", () => {
  assert.ok(mandrill.isProbe?.(webhookOf([], { key: "test-webhook" })));
  assert.ok(mandrill.isProbe?.({ ...webhookOf([]), body: Buffer.alloc(0) }));
  assert.ok(!mandrill.isProbe?.(webhookOf([event("send")])));
  assert.ok(!mandrill.isProbe?.(webhookOf("nothing")));
});

test("reads each event of a batch that is a receipt of ours, in order", () => {
  const names = ["send", "open", "deferral", "delivered", "hard_bounce", "soft_bounce", "reject", "spam"];
  const sync = { type: "blacklist", action: "add", reject: {}, ts: 1 };
  const foreign = event("send", { msg: { metadata: [] } });
  const common = { attemptId: ATTEMPT, provider: "mandrill", providerRef: "abc123", at: AT };
  assert.deepEqual(mandrill.read(webhookOf([...names.map((name) => event(name)), sync, foreign, event("send", { msg: null })])), [
    { ...common, kind: "accepted" },
    { ...common, kind: "accepted" },
    { ...common, kind: "delivered" },
    { ...common, kind: "undelivered", reason: "hard_bounce", learned: { kind: "bounce", reason: "hard_bounce" } },
    { ...common, kind: "undelivered", reason: "soft_bounce" },
    { ...common, kind: "undelivered", reason: "reject" },
    { ...common, kind: "delivered", learned: { kind: "complaint", reason: "spam" } },
  ]);
});

test("a body that is not a batch of events is rejected", () => {
  for (const text of ["", "{}", "null", "[1]", "[{"]) assert.equal(mandrill.read(webhookOf(text)), undefined, text);
});
