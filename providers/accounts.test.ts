import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, beforeEach, test } from "node:test";
import type { Environment } from "../runtime/config.ts";
import { createLogger } from "../runtime/logger.ts";
import { eventually } from "../test/support/eventually.ts";
import { type AccountsParts, readAccounts } from "./account-files.ts";
import { providersOf } from "./channel-providers.ts";
import { watchAccounts } from "./watch-accounts.ts";

const root = mkdtempSync(join(tmpdir(), "carillon-accounts-"));
after(() => rmSync(root, { recursive: true }));
let directory: string;
let directories = 0;
beforeEach(() => {
  directory = join(root, String(directories++));
});

function write(path: string, content: string): void {
  const file = join(directory, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
const parts = (env: Environment = {}): AccountsParts => ({
  ...{ directory, definitions: providersOf("sms"), env },
  variablesOf: (definition) => definition.variables,
  requiresOf: (definition) => definition.requires,
});
const ACME = { TWILIO_ACCOUNT_SID: "AC1", TWILIO_FROM: "+15005550006", TWILIO_AUTH_TOKEN_FILE: "acme.token" };
const writeAcme = (over: Record<string, unknown> = {}) => write("twilio/acme.json", JSON.stringify({ ...ACME, ...over }));
const faultsOf = (key: string, env?: Environment): readonly string[] => {
  const reading = readAccounts(parts(env)).get(key);
  assert.equal(reading?.kind, "faulty", key);
  return reading.faults;
};

test("an account is a file of the provider's variables, as JSON or env; its secrets are files beside it", () => {
  write("twilio/tokens/acme.token", "s3cret\n");
  writeAcme({ TWILIO_AUTH_TOKEN_FILE: "tokens/acme.token" });
  write("vonage/globex.env", "VONAGE_API_KEY=k\nVONAGE_FROM='Globex Ltd'\nVONAGE_API_SECRET_FILE=../twilio/tokens/acme.token\n");
  const readings = readAccounts({
    ...parts({ PROVIDER_DEADLINE_MS: "5000", TWILIO_FROM: "the environment's", VONAGE_ORIGIN: "http://x" }),
  });
  const valuesOf = (key: string) => {
    const reading = readings.get(key);
    return reading?.kind === "read" ? reading.values : assert.fail(JSON.stringify(reading));
  };
  assert.deepEqual([...readings.keys()], ["twilio/acme", "vonage/globex"]);
  const acme = valuesOf("twilio/acme");
  assert.deepEqual([acme.TWILIO_FROM, acme.TWILIO_AUTH_TOKEN_FILE, acme.PROVIDER_DEADLINE_MS], ["+15005550006", "s3cret", 5_000]);
  const globex = valuesOf("vonage/globex");
  assert.deepEqual([globex.VONAGE_FROM, globex.VONAGE_API_SECRET_FILE], ["Globex Ltd", "s3cret"]);
  assert.equal(globex.VONAGE_ORIGIN, "https://rest.nexmo.com", "nothing of the environment's account");
});

test("what a mounted Secret keeps beside its files, and other channels' providers, are no accounts", () => {
  write("..data/twilio/acme.json", "{}");
  write("twilio/..2026/acme.json", "{}");
  write("sendgrid/acme.json", "not read here");
  write("twilio/acme.token", "a secret beside its account");
  assert.deepEqual(readAccounts(parts()), new Map());
  assert.deepEqual(readAccounts({ ...parts(), directory: join(directory, "none") }), new Map());
});

test("a fault names the account's variable and the rule, never the value", () => {
  write("twilio/acme.token", "s3cret");
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ TWILIO_ACCOUNT_SID: "s3cret" }, /^TWILIO_ACCOUNT_SID: must begin with AC; what is set has 6 characters$/],
    [{ TWILIO_ORIGIN: "s3cret" }, /^TWILIO_ORIGIN: must be a URL/],
    [{ TWILIO_FROM: "" }, /^TWILIO_FROM: must be set$/],
    [{ TWILIO_FROM: { s3cret: 1 } }, /^TWILIO_FROM: must be text/],
    [{ TWILIO_TOKEN: "s3cret" }, /^TWILIO_TOKEN: is no variable of twilio$/],
    // A bare secret in a file reads as a name.
    [{ hunter2: "" }, /^a name: is no variable of twilio$/],
    [{ C2VJCMV0C2VJCMV0C2VJCMV0: "=" }, /^a name: is no variable of twilio$/],
    [{ TWILIO_AUTH_TOKEN_FILE: "s3cret-path" }, /^TWILIO_AUTH_TOKEN_FILE: the file cannot be read \(ENOENT\)/],
  ];
  for (const [over, rule] of cases) {
    writeAcme(over);
    const faults = faultsOf("twilio/acme");
    assert.match(faults.join("\n"), rule);
    assert.doesNotMatch(faults.join("\n"), /s3cret/);
  }
  write("twilio/acme.json", '{ "TWILIO_AUTH": "s3cret');
  assert.deepEqual(faultsOf("twilio/acme"), ["must hold a JSON object"]);
});

test("files that are no account say so", () => {
  write("nexmo/acme.json", "{}");
  write("twilio/default.json", "{}");
  write("twilio/Acme Ltd.json", "{}");
  write("twilio/two.json", "{}");
  write("twilio/two.env", "");
  assert.match(faultsOf("nexmo").join(), /is no provider; there are apns, fcm/);
  assert.match(faultsOf("twilio/default").join(), /the account in the environment/);
  assert.match(faultsOf("twilio/Acme Ltd").join(), /an account's name must be 1 to 63/);
  assert.match(faultsOf("twilio/two").join(), /two files/);
});

test("accounts come, change and go while they are watched, and a faulty one keeps what it was", async () => {
  write("twilio/acme.token", "one");
  writeAcme();
  write("twilio/globex.json", "{}");
  const taken: string[] = [];
  const lines: string[] = [];
  using _watch = watchAccounts({
    ...parts(),
    take: ({ provider, account }, values) => void taken.push(`${provider}/${account} ${values?.TWILIO_AUTH_TOKEN_FILE ?? "gone"}`),
    log: createLogger("test", "info", { write: (line) => void lines.push(line) }),
    pollMs: 5,
  });
  assert.deepEqual(taken.splice(0), ["twilio/acme one"], "those that exist are used at once");
  assert.match(lines.splice(0).join(), /account twilio\/globex: TWILIO_FROM: must be set/);

  write("twilio/acme.token", "two");
  await eventually("the new token is used", () => taken.splice(0).join() === "twilio/acme two");

  writeAcme({ TWILIO_ACCOUNT_SID: "s3cret" });
  await eventually("the fault is logged", () =>
    lines.some((line) => /account twilio\/acme: TWILIO_ACCOUNT_SID: must begin with AC/.test(line)),
  );
  assert.deepEqual(taken, [], "the account stays as it was");
  assert.doesNotMatch(lines.join(), /s3cret/);

  write("twilio/globex.json", JSON.stringify(ACME));
  await eventually("the other account is used meanwhile", () => taken.splice(0).join() === "twilio/globex two");
  rmSync(join(directory, "twilio/globex.json"));
  await eventually("and is removed with its file", () => taken.splice(0).join() === "twilio/globex gone");
});

test("an account that cannot be used is logged, and tried again only when it changes", async () => {
  write("twilio/acme.token", "one");
  writeAcme();
  const lines: string[] = [];
  let tries = 0;
  let isUsable = false;
  using _watch = watchAccounts({
    ...parts(),
    take() {
      tries++;
      if (!isUsable) throw new Error("the key is none");
    },
    log: createLogger("test", "info", { write: (line) => void lines.push(line) }),
    pollMs: 5,
  });
  assert.equal(tries, 1);
  assert.match(lines.join(), /the key is none.*"account":"twilio\/acme"/s);
  isUsable = true;
  write("twilio/acme.token", "two");
  await eventually("it is used", () => lines.some((line) => line.includes("provider account read")));
  assert.equal(tries, 2);
});
