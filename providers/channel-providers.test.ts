import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import { systemClock } from "../runtime/clock.ts";
import { ConfigError, readConfig } from "../runtime/config.ts";
import { withSandbox } from "../test/support/with-sandbox.ts";
import { channelVariables, loadProviders, providersOf } from "./channel-providers.ts";
import { PROVIDERS } from "./list.ts";

const parts = { clock: systemClock, attribute: async () => false };
const load = async (channel: Channel, env: Record<string, string>) => {
  const values = readConfig(channelVariables(channel), env);
  return (await loadProviders(channel, values)).createListed(values, parts);
};
const faultsOf = async (channel: Channel, env: Record<string, string>): Promise<readonly string[]> => {
  const error: unknown = await load(channel, env).then(
    () => assert.fail("it is accepted"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ConfigError, String(error));
  return error.faults;
};
const variablesOf = (faults: readonly string[]) => faults.map((f) => f.split(":")[0]);

test("each provider has a name of its own, and each channel a provider", () => {
  assert.equal(new Set(PROVIDERS.map(({ name }) => name)).size, PROVIDERS.length);
  for (const { name } of PROVIDERS) assert.match(name, /^[a-z][a-z0-9]*$/);
  for (const channel of CHANNELS) assert.ok(providersOf(channel).length > 0, channel);
});

test("what a provider requires is among its variables, and so is what its webhooks are verified with", () => {
  for (const { name, variables, requires, webhook } of PROVIDERS) {
    for (const required of requires) assert.ok(required in variables, `${name}: ${required}`);
    if (webhook) assert.ok(webhook.secret in webhook.variables, `${name}: ${webhook.secret}`);
  }
});

test("names everything the listed providers miss, each once", async () => {
  assert.deepEqual(variablesOf(await faultsOf("email", {})), ["SENDGRID_API_KEY_FILE", "EMAIL_FROM", "MANDRILL_API_KEY_FILE"]);
  assert.deepEqual(await faultsOf("sms", { VONAGE_FROM: "Carillon" }), [
    "TWILIO_ACCOUNT_SID: must be set, because SMS_PROVIDERS lists twilio",
    "TWILIO_FROM: must be set, because SMS_PROVIDERS lists twilio",
    "VONAGE_API_KEY: must be set, because SMS_PROVIDERS lists vonage",
    "VONAGE_API_SECRET_FILE: must be set, because SMS_PROVIDERS lists vonage",
    "TWILIO_AUTH_TOKEN_FILE: must be set, unless TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET_FILE are",
  ]);
});

test("asks nothing for a provider that is not listed", async () => {
  const vonage = ["VONAGE_API_KEY", "VONAGE_API_SECRET_FILE", "VONAGE_FROM"];
  assert.deepEqual(variablesOf(await faultsOf("sms", { SMS_PROVIDERS: "vonage" })), vonage);
  const email = { EMAIL_PROVIDERS: "mandrill", EMAIL_FROM: "bells@carillon.dev" };
  assert.deepEqual(variablesOf(await faultsOf("email", email)), ["MANDRILL_API_KEY_FILE"]);
});

test("wants at least one provider, and each once", async () => {
  assert.match((await faultsOf("sms", { SMS_PROVIDERS: "" })).join(), /at least one/);
  assert.match((await faultsOf("sms", { SMS_PROVIDERS: "vonage,vonage" })).join(), /twice/);
});

test("rejects a variable's wrong value where it is read", async () => {
  assert.match((await faultsOf("sms", { TWILIO_ACCOUNT_SID: "SK123" })).join(), /TWILIO_ACCOUNT_SID: must begin with AC/);
});

withSandbox("a channel's providers", (it) => {
  it("come in the order they are listed", async (sandbox) => {
    const orders: [Channel, string][] = [
      ["sms", "twilio,vonage"],
      ["sms", "vonage,twilio"],
      ["sms", "vonage"],
      ["email", "sendgrid,mandrill"],
      ["email", "mandrill,sendgrid"],
      ["email", "sendgrid"],
    ];
    for (const [channel, order] of orders) {
      const providers = await load(channel, { ...sandbox.env, [`${channel.toUpperCase()}_PROVIDERS`]: order });
      assert.equal(providers.map((p) => p.name).join(), order);
      for (const provider of providers) await provider[Symbol.asyncDispose]();
    }
  });

  it("can be asked about an attempt exactly where their definition says so", async (sandbox) => {
    for (const channel of CHANNELS)
      for (const provider of await load(channel, sandbox.env)) {
        const definition = PROVIDERS.find(({ name }) => name === provider.name);
        assert.equal(provider.statusQuery !== undefined, definition?.statusQuery !== undefined, provider.name);
        await provider[Symbol.asyncDispose]();
      }
  });

  it("of a channel without a choice are all there are, with what they require", async (sandbox) => {
    for (const channel of ["apns", "fcm", "webpush"] as const) {
      const [provider, ...others] = await load(channel, sandbox.env);
      assert.deepEqual([provider?.name, others], [channel, []]);
      await provider?.[Symbol.asyncDispose]();
    }
    assert.deepEqual(await faultsOf("apns", { ...sandbox.env, APNS_TOPIC: "" }), ["APNS_TOPIC: must not be empty"]);
  });
});
