import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { configFaultsOf } from "../../test/support/config-faults.ts";
import { withSandbox } from "../../test/support/with-sandbox.ts";
import { smsVariables } from "./config.ts";
import { createSmsProviders } from "./providers.ts";

const parts = { clock: systemClock, attribute: async () => false };
const faultsOf = (env: Record<string, string>) => configFaultsOf(() => createSmsProviders(readConfig(smsVariables, env), parts));

test("names everything the listed providers miss, at once", () => {
  assert.deepEqual(
    faultsOf({ VONAGE_FROM: "Carillon" }).map((f) => f.split(":")[0]),
    ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN_FILE", "TWILIO_FROM", "VONAGE_API_KEY", "VONAGE_API_SECRET_FILE"],
  );
});

test("asks nothing for a provider that is not listed", () => {
  assert.deepEqual(
    faultsOf({ SMS_PROVIDERS: "vonage" }).map((f) => f.split(":")[0]),
    ["VONAGE_API_KEY", "VONAGE_API_SECRET_FILE", "VONAGE_FROM"],
  );
});

test("wants at least one provider, and each once", () => {
  assert.match(faultsOf({ SMS_PROVIDERS: "" }).join(), /at least one/);
  assert.match(faultsOf({ SMS_PROVIDERS: "vonage,vonage" }).join(), /twice/);
});

test("rejects an account SID that does not begin with AC", () => {
  assert.match(faultsOf({ TWILIO_ACCOUNT_SID: "SK123" }).join(), /TWILIO_ACCOUNT_SID: must begin with AC/);
});

withSandbox("sms providers", (it) => {
  it("come in the order they are listed", async (sandbox) => {
    for (const order of ["twilio,vonage", "vonage,twilio", "vonage"]) {
      const providers = createSmsProviders(readConfig(smsVariables, { ...sandbox.env, SMS_PROVIDERS: order }), parts);
      assert.equal(providers.map((p) => p.name).join(), order);
      for (const provider of providers) await provider[Symbol.asyncDispose]();
    }
  });
});
