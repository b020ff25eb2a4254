import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "../../runtime/clock.ts";
import { ConfigError, readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import { type ClientCertificateFiles, makeClientCertificate } from "../../test/support/client-certificate.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { eventually } from "../../test/support/eventually.ts";
import { startTestSandbox } from "../../test/support/raw-client.ts";
import { watchAccounts } from "../watch-accounts.ts";
import { apnsVariables } from "./config.ts";
import { apns } from "./index.ts";
import { createApnsProvider } from "./provider.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-apns-certificate-"));
let sandbox: Sandbox;
let issued: ClientCertificateFiles;
let foreign: ClientCertificateFiles;
let env: Record<string, string>;
before(async () => {
  sandbox = await startTestSandbox();
  issued = await makeClientCertificate(directory, "issued");
  foreign = await makeClientCertificate(directory, "foreign");
  const { APNS_KEY_FILE: _file, APNS_KEY_ID: _id, APNS_TEAM_ID, ...others } = sandbox.accountEnv("apns", "acme");
  sandbox.takeApnsCertificate("acme", issued.cert);
  env = { PROVIDER_CA_FILE: sandbox.env.PROVIDER_CA_FILE!, ...others };
});
after(async () => {
  await sandbox[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const withCertificate = ({ file, passwordFile }: ClientCertificateFiles) => ({
  ...env,
  APNS_CERTIFICATE_FILE: file,
  APNS_CERTIFICATE_PASSWORD_FILE: passwordFile,
});
const create = (given: Record<string, string>) => createApnsProvider(readConfig(apnsVariables, given), { clock: systemClock });
const push = (end = "aa") => samplePush({ channel: "apns", token: `${"5a".repeat(20)}${end}` });
const soon = () => AbortSignal.timeout(15_000);

test("a certificate is shown in the handshake, and no token is sent", async () => {
  await using provider = create(withCertificate(issued));
  const sent = Array.from({ length: 20 }, () => push());
  for (const outcome of await Promise.all(sent.map((each) => provider.send(each, soon())))) assert.equal(outcome.kind, "accepted");
  for (const { deliveryId } of sent) {
    const [entry] = sandbox.ledger.entries({ deliveryId });
    assert.equal(entry?.account, `${sandbox.accountEnv("apns", "acme").APNS_TEAM_ID} production`);
    assert.equal(entry?.headers.authorization, undefined);
  }
  const development = samplePush({ channel: "apns", token: `${"5a".repeat(20)}d0d0`, environment: "development" });
  assert.equal((await provider.send(development, soon())).kind, "accepted");
});

test("a certificate of nobody's is a misconfigured account", async () => {
  await using provider = create(withCertificate(foreign));
  assert.deepEqual(await provider.send(push(), soon()), { kind: "misconfigured", reason: "BadCertificate" });
});

test("credentials that cannot be used are faults that name the variable and no value", () => {
  const garbage = join(directory, "garbage.p12");
  writeFileSync(garbage, Buffer.from([0, 255, 1, 2, 3]));
  const key = { APNS_KEY_FILE: sandbox.env.APNS_KEY_FILE!, APNS_KEY_ID: "SECRETID01", APNS_TEAM_ID: "TEAM000001" };
  const cases: [Record<string, string>, RegExp][] = [
    [env, /APNS_KEY_FILE: must be set, as all of APNS_KEY_FILE, APNS_KEY_ID, APNS_TEAM_ID, unless APNS_CERTIFICATE_FILE is/],
    [{ ...env, ...key, APNS_TEAM_ID: "" }, /APNS_TEAM_ID: must be set/],
    [{ ...withCertificate(issued), ...key }, /APNS_CERTIFICATE_FILE: must not be set beside/],
    [{ ...env, ...key, APNS_CERTIFICATE_PASSWORD_FILE: issued.passwordFile }, /APNS_CERTIFICATE_FILE: must be set with/],
    [
      withCertificate({ ...issued, passwordFile: foreign.passwordFile }),
      /APNS_CERTIFICATE_FILE: the file holds no certificate with its key that/,
    ],
    [withCertificate({ ...issued, file: garbage }), /APNS_CERTIFICATE_FILE: the file holds no certificate/],
    [withCertificate({ ...issued, file: join(directory, "none.p12") }), /APNS_CERTIFICATE_FILE: the file cannot be read \(ENOENT\)/],
  ];
  for (const [given, fault] of cases)
    assert.throws(
      () => create(given),
      (error) => error instanceof ConfigError && fault.test(error.message) && !/SECRETID01|password-of/.test(error.message),
      String(fault),
    );
});

test("a certificate that is replaced is read again, and one that cannot be opened leaves the former in use", async () => {
  const accounts = mkdtempSync(join(directory, "accounts-"));
  const file = join(accounts, "held.p12");
  const password = join(accounts, "held.password");
  const hold = ({ file: from, passwordFile }: ClientCertificateFiles) => {
    copyFileSync(passwordFile, password);
    copyFileSync(from, file);
  };
  hold(foreign);
  mkdirSync(join(accounts, "apns"));
  const variables = { ...env, APNS_CERTIFICATE_FILE: "../held.p12", APNS_CERTIFICATE_PASSWORD_FILE: "../held.password" };
  writeFileSync(join(accounts, "apns", "acme.json"), JSON.stringify({ ...variables, PROVIDER_CA_FILE: env.PROVIDER_CA_FILE }));
  const taken: ReturnType<typeof createApnsProvider>[] = [];
  const lines: string[] = [];
  using _watching = watchAccounts({
    ...{
      directory: accounts,
      definitions: [apns],
      variablesOf: (of) => of.variables,
      requiresOf: (of) => of.requires,
      env: {},
      pollMs: 10,
    },
    take: (_account, values) =>
      void taken.push(createApnsProvider(values as Parameters<typeof createApnsProvider>[0], { clock: systemClock })),
    log: createLogger("test", "info", { write: (line) => void lines.push(line) }),
  });
  const outcomeOf = async () => (await taken.at(-1)!.send(push(), soon())).kind;
  assert.equal(await outcomeOf(), "misconfigured");
  writeFileSync(password, "wrong");
  await eventually("the wrong password is logged", () => lines.some((line) => line.includes("cannot be used")));
  assert.equal(taken.length, 1);
  hold(issued);
  await eventually("the certificate is read", () => taken.length === 2);
  assert.equal(await outcomeOf(), "accepted");
  assert.doesNotMatch(lines.join(""), /password-of|wrong"/);
  await Promise.all(taken.map((provider) => provider[Symbol.asyncDispose]()));
});
