import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../../runtime/config.ts";
import { configFaultsOf } from "../../test/support/config-faults.ts";
import { withSandbox } from "../../test/support/with-sandbox.ts";
import { emailVariables } from "./config.ts";
import { createEmailProviders } from "./providers.ts";

const faultsOf = (env: Record<string, string>) => configFaultsOf(() => createEmailProviders(readConfig(emailVariables, env)));

test("names everything the listed providers miss, each once", () => {
  assert.deepEqual(
    faultsOf({}).map((f) => f.split(":")[0]),
    ["SENDGRID_API_KEY_FILE", "EMAIL_FROM", "MANDRILL_API_KEY_FILE"],
  );
});

test("asks nothing for a provider that is not listed", () => {
  assert.deepEqual(
    faultsOf({ EMAIL_PROVIDERS: "mandrill", EMAIL_FROM: "bells@carillon.dev" }).map((f) => f.split(":")[0]),
    ["MANDRILL_API_KEY_FILE"],
  );
});

withSandbox("email providers", (it) => {
  it("come in the order they are listed", async (sandbox) => {
    for (const order of ["sendgrid,mandrill", "mandrill,sendgrid", "sendgrid"]) {
      const providers = createEmailProviders(readConfig(emailVariables, { ...sandbox.env, EMAIL_PROVIDERS: order }));
      assert.equal(providers.map((p) => p.name).join(), order);
      for (const provider of providers) await provider[Symbol.asyncDispose]();
    }
  });
});
