import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readConfig } from "../../runtime/config.ts";
import { SAMPLE_NOW, sampleEmail } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { describeProviderContract } from "../../test/support/provider-contract.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { mandrillVariables } from "./config.ts";
import { createMandrillProvider } from "./provider.ts";

const create = (env: Record<string, string>) =>
  createMandrillProvider(readConfig(mandrillVariables, env), { clock: createFakeClock(SAMPLE_NOW) });
const rejection = (status: number, name: string) => ({ status, body: { status: "error", code: -1, name, message: "words of Mandrill's" } });

describeProviderContract({
  name: "mandrill",
  create,
  delivery: () => sampleEmail(),
  deadDelivery: () => sampleEmail({ address: "invalid@example.org" }),
  at: (origin, env, delivery) => ({ env: { ...env, MANDRILL_ORIGIN: origin }, delivery }),
  wrongCredentials: (env) => withSecret(env, "MANDRILL_API_KEY_FILE", "wrong-key"),
  unavailable: rejection(503, "ServiceUnavailable"),
  throttled: { ...rejection(429, "TooManyRequests"), headers: { "retry-after": "60" }, retryAfterMs: 60_000 },
  answers: [
    ["a general error", rejection(500, "GeneralError"), { kind: "unanswered", fault: { code: "mandrill-general-error" } }],
    ["a success that is no JSON", { status: 200, body: "[", accepted: false }, { kind: "unanswered", fault: { code: "bad-response" } }],
    ["a validation error of older times", rejection(500, "ValidationError"), { kind: "rejected", reason: "validation" }],
  ],
  secrets: (env) => [readFileSync(env.MANDRILL_API_KEY_FILE ?? "", "utf8"), "words of Mandrill's"],
  skips: {
    "does not trust a certificate of an unknown authority":
      "the sandbox plays Mandrill over plain HTTP; provider-connections.test.ts has it for all that use them",
  },
});

withSandbox("mandrill on the wire", (test) => {
  test("sends one untracked mail and names the attempt in its metadata", async (sandbox) => {
    await using provider = create(sandbox.env);
    const delivery = sampleEmail();
    await provider.send(delivery, AbortSignal.timeout(10_000));
    const [entry] = sandbox.ledger.entries({ deliveryId: delivery.deliveryId });
    assert.deepEqual(entry?.payload, {
      async: false,
      message: {
        from_email: sandbox.env.EMAIL_FROM,
        from_name: sandbox.env.EMAIL_FROM_NAME,
        to: [{ email: "ann@example.org", type: "to" }],
        subject: "Your receipt",
        html: "<p>Thank you</p>",
        text: "Thank you",
        metadata: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
        track_opens: false,
        track_clicks: false,
        auto_text: false,
        auto_html: false,
        inline_css: false,
        merge: false,
        preserve_recipients: false,
        view_content_link: false,
      },
    });
  });

  test("counts mail that waits for the account's quota as accepted, with a warning", async (sandbox) => {
    await using provider = create(sandbox.env);
    const outcome = await provider.send(sampleEmail({ address: "quota@example.org" }), AbortSignal.timeout(10_000));
    assert.equal(outcome.kind === "accepted" && outcome.warning, "queued: hourly-quota-exhausted");
  });

  test("a sender that is not verified is misconfigured", async (sandbox) => {
    await using provider = create({ ...sandbox.env, EMAIL_FROM: "bells@elsewhere.example" });
    assert.deepEqual(await provider.send(sampleEmail(), AbortSignal.timeout(10_000)), {
      kind: "misconfigured",
      reason: "sender-domain-unsigned",
      scope: "sender",
    });
  });
});
