import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readConfig } from "../../runtime/config.ts";
import { credentialsFault, smtpVariables } from "./config.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-smtp-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const secret = join(directory, "secret");
writeFileSync(secret, "secret-text");
const bounceKey = join(directory, "bounce-key");
writeFileSync(bounceKey, "secret-text of the key\nsecret-text of the one before\n");

const faultOf = (env: Record<string, string>) => credentialsFault(readConfig(smtpVariables, { SMTP_HOST: "relay.example.org", ...env }));
const login = { SMTP_USER: "bells", SMTP_PASSWORD_FILE: secret };

const good: [what: string, env: Record<string, string>][] = [
  ["without a login", {}],
  ["without a login and without encryption", { SMTP_SECURITY: "none" }],
  ["a password", login],
  ["a password over TLS", { ...login, SMTP_SECURITY: "tls" }],
  ["a password without encryption to this host", { ...login, SMTP_SECURITY: "none", SMTP_HOST: "127.0.0.1" }],
  ["an access token", { SMTP_USER: "bells", SMTP_OAUTH2_ACCESS_TOKEN_FILE: secret }],
  ["return paths", { SMTP_BOUNCE_DOMAIN: "bounces.example.org", SMTP_BOUNCE_KEY_FILE: bounceKey }],
  ["a refresh token", { SMTP_USER: "bells", SMTP_OAUTH2_REFRESH_TOKEN_FILE: secret }],
];
for (const [what, env] of good)
  test(`is accepted: ${what}`, () => {
    assert.equal(faultOf(env), undefined);
  });

const bad: [what: string, env: Record<string, string>, named: RegExp][] = [
  ["a domain for bounces without a key", { SMTP_BOUNCE_DOMAIN: "bounces.example.org" }, /^SMTP_BOUNCE_KEY_FILE:/],
  ["a key for bounces without a domain", { SMTP_BOUNCE_KEY_FILE: bounceKey }, /^SMTP_BOUNCE_DOMAIN:/],
  ["a password without a user", { SMTP_PASSWORD_FILE: secret }, /^SMTP_USER:/],
  ["a user without credentials", { SMTP_USER: "bells" }, /^SMTP_PASSWORD_FILE:/],
  ["a password and a token", { ...login, SMTP_OAUTH2_ACCESS_TOKEN_FILE: secret }, /^SMTP_PASSWORD_FILE:/],
  ["a password without encryption to elsewhere", { ...login, SMTP_SECURITY: "none" }, /^SMTP_SECURITY:/],
  ["a host that only begins like loopback", { ...login, SMTP_SECURITY: "none", SMTP_HOST: "127.0.0.1.example.org" }, /^SMTP_SECURITY:/],
  [
    "a refresh token sent without encryption",
    { SMTP_USER: "bells", SMTP_OAUTH2_REFRESH_TOKEN_FILE: secret, SMTP_OAUTH2_TOKEN_URL: "http://tokens.example.org/" },
    /^SMTP_OAUTH2_TOKEN_URL:/,
  ],
];
for (const [what, env, named] of bad)
  test(`is rejected: ${what}`, () => {
    assert.match(faultOf(env) ?? "", named);
    assert.doesNotMatch(faultOf(env) ?? "", /secret-text/);
  });

test("the domain for bounces is one, in the form in which it is compared", () => {
  const read = (SMTP_BOUNCE_DOMAIN: string) => readConfig(smtpVariables, { SMTP_BOUNCE_DOMAIN }).SMTP_BOUNCE_DOMAIN;
  assert.equal(read("b.example.org"), "b.example.org");
  for (const wrong of [
    "localhost",
    "B.example.org",
    "bücher.example",
    "@b.example.org",
    "b.example.org.",
    "b..example",
    "-b.example",
    `${"a.".repeat(95)}a`,
  ])
    assert.throws(() => read(wrong), /SMTP_BOUNCE_DOMAIN: must be a domain/, wrong);
});
