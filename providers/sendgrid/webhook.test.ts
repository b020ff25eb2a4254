import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { SIGNED_AGO_MS_MAX, SIGNED_AHEAD_MS_MAX, type Webhook } from "../transport/webhook.ts";
import { sendgrid } from "./webhook.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const KEY = publicKey.export({ format: "der", type: "spki" }).toString("base64");
const ATTEMPT = `${"ab".repeat(16)}-0/1`;
const NOW = Date.UTC(2026, 0, 5, 12);
const AT = NOW - 7_000;

const webhookOf = (body: string, timestamp = "", signature = "", receivedAt = NOW): Webhook => ({
  ...{ url: "https://hooks.example.com/sendgrid", query: new URLSearchParams(), body: Buffer.from(body), receivedAt },
  headers: { "x-twilio-email-event-webhook-timestamp": timestamp, "x-twilio-email-event-webhook-signature": signature },
});

function signed(body: string, signedAt = NOW): Webhook {
  const timestamp = String(Math.floor(signedAt / 1_000));
  return webhookOf(body, timestamp, sign("sha256", Buffer.from(timestamp + body), privateKey).toString("base64"));
}

const event = (change: Record<string, unknown>) => ({
  ...{ email: "ada@example.com", timestamp: AT / 1_000, sg_event_id: "ev", sg_message_id: "DxtSNL8oTwKxS0K3nYhEuw.recvd-5d8cf-1.0" },
  ...{ carillon_delivery: ATTEMPT.slice(0, -2), carillon_attempt: ATTEMPT },
  ...change,
});
const body = (...events: unknown[]) => `${JSON.stringify(events)}\r\n`;

/** SendGrid publishes a signed request of its own with its client library. */
const PUBLISHED = {
  key: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
  signature: "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
  timestamp: "1600112502",
  body: `${JSON.stringify([
    {
      email: "hello@world.com",
      event: "dropped",
      reason: "Bounced Address",
      sg_event_id: "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
      sg_message_id: "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
      "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
      timestamp: 1600112492,
    },
  ])}\r\n`,
};

test("accepts the signed request that SendGrid publishes, and rejects it with any byte changed", () => {
  const { key, signature, timestamp, body } = PUBLISHED;
  const then = Number(timestamp) * 1_000;
  assert.ok(sendgrid.verify(webhookOf(body, timestamp, signature, then), key, {}));
  assert.ok(!sendgrid.verify(webhookOf(body.trimEnd(), timestamp, signature, then), key, {}));
  assert.ok(!sendgrid.verify(webhookOf(body, "1600112503", signature, then), key, {}));
  assert.ok(!sendgrid.verify(webhookOf(body, timestamp, signature, then), KEY, {}));
});

test("rejects malformed signatures without throwing", () => {
  const good = signed(body());
  assert.ok(sendgrid.verify(good, KEY, {}));
  const timestamp = String(good.headers["x-twilio-email-event-webhook-timestamp"]);
  for (const signature of ["", "AAAA", "not base64 ?", Buffer.alloc(64, 1).toString("base64")])
    assert.ok(!sendgrid.verify(webhookOf(body(), timestamp, signature), KEY, {}), signature);
  assert.ok(!sendgrid.verify(webhookOf(body()), KEY, {}));
  assert.ok(!sendgrid.verify(good, "no key", {}));
});

test("rejects what was signed too long ago or too far ahead", () => {
  assert.ok(sendgrid.verify(signed(body(), NOW - SIGNED_AGO_MS_MAX), KEY, {}));
  assert.ok(!sendgrid.verify(signed(body(), NOW - SIGNED_AGO_MS_MAX - 1_000), KEY, {}));
  assert.ok(sendgrid.verify(signed(body(), NOW + SIGNED_AHEAD_MS_MAX), KEY, {}));
  assert.ok(!sendgrid.verify(signed(body(), NOW + SIGNED_AHEAD_MS_MAX + 1_000), KEY, {}));
});

test("reads each event of a batch that is a receipt of ours, in order", () => {
  const receipts = sendgrid.read(
    signed(
      body(
        event({ event: "processed" }),
        event({ event: "open", useragent: "x" }),
        event({ event: "delivered", carillon_attempt: undefined }),
        event({ event: "delivered" }),
        event({ event: "bounce", type: "bounce", reason: "550 no ada@example.com here" }),
        event({ event: "bounce", type: "blocked" }),
        event({ event: "dropped", reason: "Bounced Address", sg_message_id: undefined }),
        event({ event: "spamreport" }),
      ),
    ),
  );
  const common = { attemptId: ATTEMPT, provider: "sendgrid", providerRef: "DxtSNL8oTwKxS0K3nYhEuw", at: AT };
  const { providerRef: _ref, ...withoutRef } = common;
  assert.deepEqual(receipts, [
    { ...common, kind: "accepted" },
    { ...common, kind: "delivered" },
    { ...common, kind: "undelivered", reason: "bounce", learned: { kind: "bounce", reason: "550 no ada@example.com here" } },
    { ...common, kind: "undelivered", reason: "blocked" },
    { ...withoutRef, kind: "undelivered", reason: "dropped", learned: { kind: "bounce", reason: "Bounced Address" } },
    { ...common, kind: "delivered", learned: { kind: "complaint", reason: "spamreport" } },
  ]);
});

test("a body that is not a batch of events is rejected", () => {
  for (const text of ["", "{}", "null", "[1]", "[null]", "[[]]", '"x"', "[{"]) assert.equal(sendgrid.read(signed(text)), undefined, text);
  assert.deepEqual(sendgrid.read(signed("[]")), []);
});
