import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { JsonObject } from "../../core/content/json.ts";
import { readConfig } from "../../runtime/config.ts";
import { SAMPLE_NOW, sampleSms } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { describeProviderContract } from "../../test/support/provider-contract.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { twilioVariables } from "./config.ts";
import { createTwilioProvider } from "./provider.ts";

const parts = { clock: createFakeClock(SAMPLE_NOW), attribute: async () => false };
const create = (env: Record<string, string>) => createTwilioProvider(readConfig(twilioVariables, env), parts);
const rejection = (status: number, code: number) => ({ status, body: { code, message: "words of Twilio's", more_info: "", status } });

describeProviderContract({
  name: "twilio",
  create,
  delivery: () => sampleSms(),
  deadDelivery: () => sampleSms({ phoneNumber: "+15005550001" }),
  at: (origin, env, delivery) => ({ env: { ...env, TWILIO_ORIGIN: origin }, delivery }),
  wrongCredentials: (env) => withSecret(env, "TWILIO_AUTH_TOKEN_FILE", "0123456789abcdef0123456789abcdef"),
  // Twilio documents no server fault as unprocessed; the missing route is the one rejection that a retry may pass.
  unavailable: rejection(400, 21612),
  throttled: { ...rejection(429, 20429), headers: { "retry-after": "3" }, retryAfterMs: 3_000 },
  answers: [
    ["a page instead of an answer", { status: 502, accepted: false, body: "<html>" }, { kind: "unanswered", fault: { code: "http-502" } }],
    ["a success without an id", { status: 201, accepted: false, body: {} }, { kind: "unanswered", fault: { code: "bad-response" } }],
    [
      "a success that is no JSON",
      { status: 201, accepted: false, body: "created" },
      { kind: "unanswered", fault: { code: "bad-response" } },
    ],
    [
      "a redirection",
      { status: 302, accepted: false, headers: { location: "http://127.0.0.1:9/" } },
      { kind: "misconfigured", reason: "http-302" },
    ],
  ],
  secrets: (env) => [readFileSync(env.TWILIO_AUTH_TOKEN_FILE ?? "", "utf8"), "words of Twilio's", "Basic "],
  skips: {
    "does not trust a certificate of an unknown authority":
      "the sandbox plays Twilio over plain HTTP; provider-connections.test.ts has it for all that use them",
  },
});

withSandbox("twilio on the wire", (test) => {
  test("sends the text with its validity and a callback that names the attempt", async (sandbox) => {
    await using provider = create(sandbox.env);
    const delivery = sampleSms({ text: "Żółć & more", expiresAt: SAMPLE_NOW + 90_500 });
    await provider.send(delivery, AbortSignal.timeout(10_000));
    const [entry] = sandbox.ledger.entries({ deliveryId: delivery.deliveryId });
    const callback = new URL(sandbox.env.TWILIO_STATUS_CALLBACK_URL ?? "");
    callback.searchParams.set("attempt", delivery.attemptId);
    assert.deepEqual(entry?.payload, {
      To: "+447700900123",
      From: sandbox.env.TWILIO_FROM,
      Body: "Żółć & more",
      ValidityPeriod: "90",
      SmartEncoded: "false",
      StatusCallback: callback.href,
    });
  });

  test("calls with an API key need no auth token, of status queries too", async (sandbox) => {
    const { TWILIO_AUTH_TOKEN_FILE: _token, ...env } = sandbox.accountEnv("twilio", "acme");
    await using provider = create({ PROVIDER_CA_FILE: sandbox.env.PROVIDER_CA_FILE!, ...env });
    const delivery = sampleSms();
    assert.equal((await provider.send(delivery, AbortSignal.timeout(10_000))).kind, "accepted");
    const [entry] = sandbox.ledger.entries({ deliveryId: delivery.deliveryId });
    const { From } = entry!.payload as { From: string };
    assert.deepEqual([entry!.account, From], [env.TWILIO_ACCOUNT_SID, env.TWILIO_FROM]);
    const { deliveryId, attemptId, endpoint, content } = delivery;
    const question = { deliveryId, attemptId, endpoint, content, startedAt: SAMPLE_NOW };
    // It listed the account's messages: what it found is not of this attempt's time.
    assert.deepEqual(await provider.statusQuery!(question, AbortSignal.timeout(10_000)), { kind: "absent" });
  });

  test("an account's key is none for another account's messages or sender", async (sandbox) => {
    const [own, other] = ["acme", "globex"].map((name) => sandbox.accountEnv("twilio", name)) as [
      Record<string, string>,
      Record<string, string>,
    ];
    const outcomeOf = async (over: Record<string, string>) => {
      await using provider = create({ ...sandbox.env, ...own, ...over });
      return await provider.send(sampleSms(), AbortSignal.timeout(10_000));
    };
    assert.equal((await outcomeOf({})).kind, "accepted");
    assert.notEqual((await outcomeOf({ TWILIO_ACCOUNT_SID: other.TWILIO_ACCOUNT_SID! })).kind, "accepted");
    assert.deepEqual(await outcomeOf({ TWILIO_FROM: other.TWILIO_FROM! }), {
      kind: "misconfigured",
      reason: "sender-cannot-sms",
      scope: "sender",
    });
    assert.equal((await outcomeOf({ TWILIO_API_KEY_SECRET_FILE: other.TWILIO_API_KEY_SECRET_FILE! })).kind, "misconfigured");
  });

  test("credentials that are not whole are faults that name the variable", async (sandbox) => {
    const key = {
      TWILIO_API_KEY_SID: "SK01",
      TWILIO_API_KEY_SECRET_FILE: sandbox.accountEnv("twilio", "acme").TWILIO_API_KEY_SECRET_FILE!,
    };
    const noToken = { ...sandbox.env, TWILIO_AUTH_TOKEN_FILE: "" };
    const cases: [Record<string, string>, RegExp][] = [
      [noToken, /TWILIO_AUTH_TOKEN_FILE: must be set, unless TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET_FILE are/],
      [{ ...noToken, TWILIO_API_KEY_SID: key.TWILIO_API_KEY_SID }, /TWILIO_API_KEY_SECRET_FILE: must be set with TWILIO_API_KEY_SID/],
      [{ ...sandbox.env, TWILIO_API_KEY_SECRET_FILE: key.TWILIO_API_KEY_SECRET_FILE }, /TWILIO_API_KEY_SID: must be set with/],
      [{ ...sandbox.env, ...key, TWILIO_API_KEY_SID: "AC01" }, /TWILIO_API_KEY_SID: must begin with SK/],
    ];
    for (const [env, fault] of cases) assert.throws(() => create(env), fault);
  });

  test("rejects without a call what it can never send", async (sandbox) => {
    await using provider = create(sandbox.env);
    for (const [sms, reason] of [
      [{ sender: "orders" }, "unknown-sender"],
      [{ flash: true }, "flash-not-supported"],
      [{ registeredEntity: "1101456324000123456" }, "registration-not-supported"],
      [{ registeredTemplate: "1107457532000123456" }, "registration-not-supported"],
    ] as const) {
      const delivery = sampleSms({ sms });
      assert.deepEqual(provider.route?.(delivery), { kind: "barred", reason });
      assert.deepEqual(await provider.send(delivery, AbortSignal.timeout(10_000)), { kind: "rejected", reason, notCalled: true });
      assert.deepEqual(sandbox.ledger.entries({ deliveryId: delivery.deliveryId }), []);
    }
  });

  test("media need a sender with MMS, registered ids one that Twilio has registered", async (sandbox) => {
    const routes = (TWILIO_FROM: string) => {
      const provider = create({ ...sandbox.env, TWILIO_FROM });
      const sms = [{ mediaUrls: ["https://img.example/a.jpg"] }, { registeredEntity: "1101456324000123456" }, {}];
      const found = sms.map((one) => provider.route?.(sampleSms({ sms: one })));
      return provider[Symbol.asyncDispose]().then(() => found.map((route) => (route?.kind === "barred" ? route.reason : route?.kind)));
    };
    assert.deepEqual(await routes("Shop"), ["media-not-supported", "open", "open"]);
    assert.deepEqual(await routes(`MG${"2f1c".repeat(8)}`), ["open", "open", "open"]);
    for (const from of ["+15005550006", "72345"]) assert.deepEqual(await routes(from), ["open", "registration-not-supported", "open"]);
  });

  test("what Twilio says of a sender is about the account's: no override reaches it", async (sandbox) => {
    await using provider = create(sandbox.env);
    const send = async (twilio: JsonObject) => {
      const delivery = sampleSms({ sms: { overrides: { twilio } } });
      sandbox.faults.order({ provider: "twilio", match: delivery.deliveryId, do: { kind: "answer", ...rejection(400, 21659) } });
      return provider.send(delivery, AbortSignal.timeout(10_000));
    };
    for (const override of [{ FallbackFrom: "+15005550001" }, { ContentRetention: "discard" }] as JsonObject[])
      assert.deepEqual(await send(override), { kind: "misconfigured", reason: "sender-not-owned", scope: "sender" });
  });

  test("reads Retry-After from the answer of the same call", async (sandbox) => {
    await using provider = create(sandbox.env);
    const deliveries = Array.from({ length: 20 }, () => sampleSms());
    deliveries.forEach((delivery, i) => {
      const answer = { kind: "answer", ...rejection(429, 20429), headers: { "retry-after": String(i + 1) } } as const;
      sandbox.faults.order({ provider: "twilio", match: delivery.deliveryId, do: answer });
    });
    const outcomes = await Promise.all(deliveries.map((d) => provider.send(d, AbortSignal.timeout(10_000))));
    assert.deepEqual(
      outcomes.map((o) => o.kind === "throttled" && o.retryAfterMs),
      deliveries.map((_, i) => (i + 1) * 1_000),
    );
  });
});
