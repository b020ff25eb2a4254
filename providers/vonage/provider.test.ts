import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readConfig } from "../../runtime/config.ts";
import { SAMPLE_NOW, sampleSms } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { describeProviderContract } from "../../test/support/provider-contract.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { vonageVariables } from "./config.ts";
import { createVonageProvider } from "./provider.ts";

const create = (env: Record<string, string>) =>
  createVonageProvider(readConfig(vonageVariables, env), { clock: createFakeClock(SAMPLE_NOW) });
/** Vonage rejects with HTTP 200. */
const rejection = (status: string) => ({
  status: 200,
  accepted: false,
  body: { "message-count": "1", messages: [{ status, "error-text": "words of Vonage's" }] },
});

describeProviderContract({
  name: "vonage",
  create,
  delivery: () => sampleSms(),
  deadDelivery: () => sampleSms({ phoneNumber: "+447700900007" }),
  at: (origin, env, delivery) => ({ env: { ...env, VONAGE_ORIGIN: origin }, delivery }),
  wrongCredentials: (env) => withSecret(env, "VONAGE_API_SECRET_FILE", "wrong-secret"),
  unavailable: rejection("5"),
  throttled: { ...rejection("1"), retryAfterMs: 1_000 },
  answers: [
    ["a success that is no JSON", { status: 200, accepted: false, body: "fine" }, { kind: "unanswered", fault: { code: "bad-response" } }],
    ["a gateway's page", { status: 504, accepted: false, body: "<html>" }, { kind: "unanswered", fault: { code: "http-504" } }],
    [
      "a redirection",
      { status: 307, accepted: false, headers: { location: "http://127.0.0.1:9/" } },
      { kind: "misconfigured", reason: "http-307" },
    ],
    [
      "too many requests",
      { status: 429, accepted: false, body: "", headers: { "retry-after": "4" } },
      { kind: "throttled", reason: "too-many-requests", retryAfterMs: 4_000 },
    ],
  ],
  secrets: (env) => [readFileSync(env.VONAGE_API_SECRET_FILE ?? "", "utf8"), "words of Vonage's", "Basic "],
  skips: {
    "does not trust a certificate of an unknown authority":
      "the sandbox plays Vonage over plain HTTP; provider-connections.test.ts has it for all that use them",
  },
});

withSandbox("vonage on the wire", (test) => {
  test("sends a text with characters outside GSM-7 as unicode, and names the attempt", async (sandbox) => {
    await using provider = create(sandbox.env);
    const delivery = sampleSms({ text: "Zażółć gęślą jaźń", expiresAt: SAMPLE_NOW + 90_000 });
    await provider.send(delivery, AbortSignal.timeout(10_000));
    const [entry] = sandbox.ledger.entries({ deliveryId: delivery.deliveryId });
    assert.deepEqual(entry?.payload, {
      from: sandbox.env.VONAGE_FROM,
      to: "447700900123",
      text: "Zażółć gęślą jaźń",
      type: "unicode",
      "client-ref": delivery.attemptId,
      ttl: 90_000,
    });
  });

  test("never sends a text without its media", async (sandbox) => {
    await using provider = create(sandbox.env);
    const delivery = sampleSms({ sms: { mediaUrls: ["https://img.example/menu.jpg"] } });
    assert.deepEqual(provider.route?.(delivery), { kind: "barred", reason: "media-not-supported" });
    const outcome = await provider.send(delivery, AbortSignal.timeout(10_000));
    assert.deepEqual(outcome, { kind: "rejected", reason: "media-not-supported", notCalled: true });
    assert.deepEqual(sandbox.ledger.entries({ deliveryId: delivery.deliveryId }), []);
  });

  test("accepts a text of several parts under the first one's id", async (sandbox) => {
    await using provider = create(sandbox.env);
    const outcome = await provider.send(sampleSms({ text: "a".repeat(400) }), AbortSignal.timeout(10_000));
    assert.equal(outcome.kind, "accepted");
  });
});
