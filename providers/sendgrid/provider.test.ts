import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readConfig } from "../../runtime/config.ts";
import { SAMPLE_NOW, sampleEmail } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { describeProviderContract } from "../../test/support/provider-contract.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { sendgridVariables } from "./config.ts";
import { createSendgridProvider } from "./provider.ts";

const create = (env: Record<string, string>) =>
  createSendgridProvider(readConfig(sendgridVariables, env), { clock: createFakeClock(SAMPLE_NOW) });
const rejection = (status: number) => ({ status, body: { errors: [{ message: "words of SendGrid's", field: null, help: null }] } });

describeProviderContract({
  name: "sendgrid",
  create,
  delivery: () => sampleEmail(),
  deadDelivery: () => sampleEmail({ address: "invalid@example.org" }),
  at: (origin, env, delivery) => ({ env: { ...env, SENDGRID_ORIGIN: origin }, delivery }),
  wrongCredentials: (env) => withSecret(env, "SENDGRID_API_KEY_FILE", "SG.wrong.key"),
  unavailable: rejection(503),
  throttled: { ...rejection(429), headers: { "x-ratelimit-reset": String(SAMPLE_NOW / 1_000 + 12) }, retryAfterMs: 12_000 },
  answers: [
    ["a server's fault", rejection(500), { kind: "unanswered", fault: { code: "http-500" } }],
    ["a gateway's page", { status: 502, body: "<html>" }, { kind: "unanswered", fault: { code: "http-502" } }],
    ["a redirection", { status: 302, headers: { location: "http://127.0.0.1:9/" } }, { kind: "misconfigured", reason: "http-302" }],
    ["too large a mail", rejection(413), { kind: "rejected", reason: "too-large" }],
  ],
  secrets: (env) => [readFileSync(env.SENDGRID_API_KEY_FILE ?? "", "utf8"), "words of SendGrid's", "Bearer "],
  skips: {
    "does not trust a certificate of an unknown authority":
      "the sandbox plays SendGrid over plain HTTP; provider-connections.test.ts has it for all that use them",
  },
});

withSandbox("sendgrid on the wire", (test) => {
  test("sends the given content without additions of the SDK", async (sandbox) => {
    await using provider = create(sandbox.env);
    const delivery = sampleEmail({ content: { subject: "Grüße", html: "<p>ü</p>", text: "ü" } });
    await provider.send(delivery, AbortSignal.timeout(10_000));
    const [entry] = sandbox.ledger.entries({ deliveryId: delivery.deliveryId });
    assert.deepEqual(entry?.payload, {
      from: { email: sandbox.env.EMAIL_FROM, name: sandbox.env.EMAIL_FROM_NAME },
      subject: "Grüße",
      content: [
        { type: "text/plain", value: "ü" },
        { type: "text/html", value: "<p>ü</p>" },
      ],
      personalizations: [
        {
          to: [{ email: "ann@example.org" }],
          headers: { "Message-ID": `<${delivery.deliveryId.slice(0, 32)}@carillon.dev>` },
          custom_args: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
        },
      ],
      tracking_settings: {
        click_tracking: { enable: false, enable_text: false },
        open_tracking: { enable: false },
        subscription_tracking: { enable: false },
        ganalytics: { enable: false },
      },
    });
  });

  test("two accounts in one process keep their own keys", async (sandbox) => {
    await using wrong = create(withSecret(sandbox.env, "SENDGRID_API_KEY_FILE", "SG.another.key"));
    await using right = create(sandbox.env);
    // With SendGrid's own words: the key may also be right, and the credits used up.
    assert.deepEqual(await wrong.send(sampleEmail(), AbortSignal.timeout(10_000)), {
      kind: "misconfigured",
      reason: "http-401: The provided authorization grant is invalid, expired, or revoked",
    });
    assert.equal((await right.send(sampleEmail(), AbortSignal.timeout(10_000))).kind, "accepted");
  });
});
